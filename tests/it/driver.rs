//! Front end and engine on the sandbox, driven by keys and read as a screen.

use crate::line::Line;
use posthaste::app::dates::Zone;
use posthaste::app::effect::Effect;
use posthaste::app::msg::{Key, KeyCode, Msg};
use posthaste::app::{App, AppSetup, update};
use posthaste::config::ConfigFile;
use posthaste::engine::{Engine, EngineSetup, Liveness, Stopped};
use posthaste::engine_api::command::EngineCommand;
use posthaste::engine_api::event::EngineEvent;
use posthaste::engine_api::status::AccountStatus;
use posthaste::model::account::SecretsKind;
use posthaste::model::detection::Lookup;
use posthaste::sandbox::Sandbox;
use posthaste::sandbox::control::Control;
use posthaste::sandbox::options::SandboxOptions;
use posthaste::sandbox::service::{Power, ServiceName};
use posthaste::secrets::SecretPlaces;
use posthaste::stdx::clock::Clock;
use posthaste::store::Store;
use posthaste::ui;
use posthaste::ui::theme::{Colours, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustls::pki_types::CertificateDer;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest wait for one thing to appear; only a broken program reaches it.
const PATIENCE: Duration = Duration::from_secs(180);

/// The program without a terminal.
pub struct AppDriver {
    app: App,
    engine: Engine,
    sandbox: Sandbox,
    clock: Clock,
    /// Where the store lies, when it is in files.
    home: Option<TempDir>,
    width_cells: u16,
    height_cells: u16,
    /// What was put into the clipboard.
    pub copied: Vec<String>,
    /// Whether the program asked to end.
    pub quit: bool,
}

impl AppDriver {
    /// A program without an account on servers that are like `options`.
    pub async fn without_account(options: SandboxOptions) -> Self {
        let clock = options.clock.clone();
        let sandbox = Sandbox::start(options).await.unwrap();
        let store = Store::in_memory(&clock).unwrap();
        let config = ConfigFile::in_memory();
        let roots = vec![sandbox.root()];
        Self::start(sandbox, store, config, SecretPlaces::in_memory(), clock, roots).await
    }

    /// A program that was linked in an earlier run, with its store in files, on servers that
    /// `prepare` has had its hands on. Its inbox is being opened.
    pub async fn on_disk(options: SandboxOptions, prepare: impl FnOnce(&Control)) -> Self {
        let clock = options.clock.clone();
        let sandbox = Sandbox::start(options).await.unwrap();
        prepare(&sandbox.control());
        let home = tempfile::tempdir().unwrap();
        let mut driver = Self::again(sandbox, home.path(), clock).await;
        driver.home = Some(home);
        driver
    }

    /// As [`Self::on_disk`], with a line to the IMAP server that somebody tampers with.
    pub async fn on_a_bad_line(
        options: SandboxOptions,
        prepare: impl FnOnce(&Control),
    ) -> (Self, Line) {
        let clock = options.clock.clone();
        let sandbox = Sandbox::start(options).await.unwrap();
        prepare(&sandbox.control());
        let line = Line::start(&sandbox).await;
        let store = Store::in_memory(&clock).unwrap();
        let (mut config, secrets) = (ConfigFile::in_memory(), SecretPlaces::in_memory());
        sandbox.link(&mut config, &secrets).await.unwrap();
        let mut settings = sandbox.settings();
        settings.imap.at.port = line.port;
        config.replace_account(&settings).unwrap();
        let roots = vec![sandbox.root(), line.root.clone()];
        (Self::start(sandbox, store, config, secrets, clock, roots).await, line)
    }

    async fn again(sandbox: Sandbox, home: &Path, clock: Clock) -> Self {
        let store = Store::open(home, home, &clock).unwrap();
        let (mut config, secrets) = (ConfigFile::in_memory(), SecretPlaces::in_memory());
        sandbox.link(&mut config, &secrets).await.unwrap();
        let roots = vec![sandbox.root()];
        Self::start(sandbox, store, config, secrets, clock, roots).await
    }

    /// Ends the program and starts it on the same files; the servers stay as they are.
    pub async fn restart(self) -> Self {
        let home = self.home.expect("only what is on the disk outlives an end");
        assert_eq!(self.engine.shutdown(PATIENCE).await, Stopped::Clean);
        let mut driver = Self::again(self.sandbox, home.path(), self.clock).await;
        driver.home = Some(home);
        driver
    }

    /// The databases as another process would have them.
    pub fn store_of_another_process(&self) -> Store {
        let home = self.home.as_ref().expect("only what is on the disk is shared").path();
        Store::open(home, home, &self.clock).unwrap()
    }

    /// Ends the program.
    pub async fn end(self) {
        assert_eq!(self.engine.shutdown(PATIENCE).await, Stopped::Clean);
    }

    async fn start(
        sandbox: Sandbox,
        store: Store,
        config: ConfigFile,
        secrets: SecretPlaces,
        clock: Clock,
        extra_roots: Vec<CertificateDer<'static>>,
    ) -> Self {
        let engine = Engine::start(EngineSetup {
            config,
            store,
            secrets,
            clock: clock.clone(),
            extra_roots,
            lock_dir: None,
            liveness: Liveness::Live,
            detect: Lookup::Offline,
        })
        .await
        .unwrap();
        let (app, effects) = App::new(AppSetup {
            now: clock.now(),
            zone: Zone::Utc,
            client_ids: Vec::new(),
            automatic_secrets: (SecretsKind::Memory, "this is a test".to_owned()),
            demo_link: Some(Box::new(sandbox.link_request())),
            banner: String::new(),
            remembered: String::new(),
        });
        let mut driver = Self {
            app,
            engine,
            sandbox,
            clock,
            home: None,
            width_cells: 120,
            height_cells: 40,
            copied: Vec::new(),
            quit: false,
        };
        driver.carry_out(effects);
        driver.tell(Msg::Resized { width_cells: 120, height_cells: 40 });
        let status = driver.engine.status.borrow_and_update().clone();
        driver.tell(Msg::Status(status));
        driver
    }

    /// A program whose account is linked and whose inbox is on the screen.
    pub async fn with_inbox(options: SandboxOptions) -> Self {
        let mut driver = Self::without_account(options).await;
        driver.link().await;
        driver
    }

    /// Goes through the wizard with what is filled in.
    pub async fn link(&mut self) {
        self.see("Link an account").await;
        while !self.screen().contains("The account is linked") {
            self.keys("Enter");
            self.turn().await;
        }
        self.keys("Enter");
        self.see("Inbox").await;
    }

    /// The hand that reaches into the servers.
    pub fn control(&self) -> Control {
        self.sandbox.control()
    }

    /// Presses keys, named as in the key table and separated by blanks.
    pub fn keys(&mut self, keys: &str) {
        for key in keys.split(' ') {
            self.tell(Msg::Key(key_named(key)));
        }
    }

    /// Types a text letter by letter.
    pub fn type_text(&mut self, text: &str) {
        for letter in text.chars() {
            let code = if letter == '\n' { KeyCode::Enter } else { KeyCode::Char(letter) };
            self.tell(Msg::Key(Key { code, ctrl: false, alt: false }));
        }
    }

    /// Pastes a text.
    pub fn paste(&mut self, text: &str) {
        self.tell(Msg::Paste(text.to_owned()));
    }

    /// Lets `seconds` pass on the program's clock.
    pub fn pass(&mut self, seconds: i64) {
        for _second in 0..seconds {
            self.clock.advance(1);
            self.tell(Msg::Tick(self.clock.now()));
        }
    }

    /// Waits until the screen shows `text`.
    pub async fn see(&mut self, text: &str) -> String {
        self.wait_for(text, |screen| screen.contains(text)).await
    }

    /// Waits until the screen no longer shows `text`.
    pub async fn see_gone(&mut self, text: &str) -> String {
        self.wait_for(text, |screen| !screen.contains(text)).await
    }

    /// Waits until `done` says so of the program.
    pub async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            let screen = self.screen();
            assert!(Instant::now() < deadline, "waited for {what}; the screen shows\n{screen}");
            self.turn().await;
        }
    }

    /// Waits until no change waits for the servers.
    pub async fn settled(&mut self) {
        self.until("nothing to wait", |driver| driver.account().operations_waiting == 0).await;
    }

    /// Switches the IMAP server off or on.
    pub async fn line(&mut self, power: Power) {
        self.control().switch(ServiceName::Imap, power).await;
    }

    async fn wait_for(&mut self, what: &str, done: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if done(&screen) {
                return screen;
            }
            assert!(
                Instant::now() < deadline,
                "waited for {what:?} and the screen still shows\n{screen}"
            );
            self.turn().await;
        }
    }

    /// Takes in the engine's next report.
    pub async fn turn(&mut self) {
        let msg = tokio::select! {
            event = self.engine.events.recv() => Msg::Engine(event.expect("the engine ended")),
            changed = self.engine.status.changed() => {
                changed.expect("the engine ended");
                Msg::Status(self.engine.status.borrow_and_update().clone())
            }
            // The screen's own heartbeat, which asks for rows and saves drafts.
            () = tokio::time::sleep(Duration::from_millis(50)) => Msg::Tick(self.clock.now()),
        };
        self.tell(msg);
    }

    /// Gives the engine a command behind the screen's back, and waits for the answer that `pick`
    /// finds among its reports; the screen hears them all.
    pub async fn ask<T>(
        &mut self,
        command: EngineCommand,
        pick: impl Fn(&EngineEvent) -> Option<T>,
    ) -> T {
        self.send(command);
        loop {
            let event = self.engine.events.recv().await.expect("the engine ended");
            let picked = pick(&event);
            self.tell(Msg::Engine(event));
            if let Some(picked) = picked {
                return picked;
            }
        }
    }

    /// How the first account stands.
    pub fn account(&self) -> AccountStatus {
        self.engine.status.borrow().accounts[0].clone()
    }

    fn tell(&mut self, msg: Msg) {
        let effects = update(&mut self.app, msg);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(command) => self.send(command),
                Effect::Copy(text) => self.copied.push(text),
                Effect::Quit => self.quit = true,
                Effect::Edit(_)
                | Effect::WriteNew { .. }
                | Effect::Bell
                | Effect::Suspend
                | Effect::Redraw
                | Effect::Remember(_) => {}
            }
        }
    }

    fn send(&self, command: EngineCommand) {
        self.engine.commands.try_send(command).expect("the engine's queue is full");
    }

    /// What is on the screen, a line per row.
    pub fn screen(&self) -> String {
        let area = Rect::new(0, 0, self.width_cells, self.height_cells);
        let mut buffer = Buffer::empty(area);
        ui::render(&self.app, &Theme::new(Colours::Full), area, &mut buffer);
        let row = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..area.height).map(|y| row(y).trim_end().to_owned() + "\n").collect()
    }
}

fn key_named(name: &str) -> Key {
    let (ctrl, name) = name.strip_prefix("Ctrl-").map_or((false, name), |rest| (true, rest));
    let code = match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Down" => KeyCode::Down,
        "Up" => KeyCode::Up,
        "Space" => KeyCode::Char(' '),
        letter => KeyCode::Char(letter.chars().next().expect("a key has a name")),
    };
    Key { code, ctrl, alt: false }
}
