//! The loop: take what happened, change the `App`, run its effects, draw once.
//!
//! Invariants:
//! - Nothing is awaited here but the next thing to happen; the engine is never waited for.
//! - The terminal is ours, or an editor's, or left; never two of them.
//!
//! Start at [`run`].

use crate::app::effect::Effect;
use crate::app::msg::Msg;
use crate::app::{self, App, AppSetup};
use crate::engine::{Engine, Stopped};
use crate::engine_api::command::EngineCommand;
use crate::runtime::colours;
use crate::runtime::editor::{Editing, EditorSettings};
use crate::runtime::effects::{BELL, clipboard_bytes};
use crate::runtime::file_writer::FileWriter;
use crate::runtime::inbox::Inbox;
use crate::runtime::screen::Screen;
use crate::runtime::state_file::StateFile;
use crate::runtime::stop::{self, ENGINE_LIMIT, EditorInFront, StopCause};
use crate::runtime::terminal::{self, TerminalError, TerminalGuard};
use crate::stdx::clock::Clock;
use crate::ui;
use crate::ui::theme::Theme;
use rustix::process::{Signal, kill_current_process_group};
use std::collections::VecDeque;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Messages taken in one turn beside the first, before the screen is drawn.
const DRAIN_LIMIT: usize = 64;
/// How long a frame under way may hold up an editor, a stop or the end.
const FRAME_LIMIT: Duration = Duration::from_millis(200);
/// How long to wait for being woken after stopping: the kernel does not stop a group that no shell
/// could wake again.
const WAKE_LIMIT: Duration = Duration::from_millis(500);
/// Exit code when the terminal fails without hanging up; a shell's for SIGHUP.
const TERMINAL_LOST_EXIT: u8 = 129;

/// What the loop works with.
pub struct Shell {
    /// The running engine.
    pub engine: Engine,
    /// What the front end must know.
    pub setup: AppSetup,
    /// Tells the time.
    pub clock: Clock,
    /// The external editor.
    pub editor: EditorSettings,
    /// Where the screen keeps what it remembers.
    pub screen_state: StateFile,
}

/// Runs the screen until somebody quits or it is stopped, then stops the engine. The exit code:
/// 0, or 128 and the number of the signal.
///
/// # Errors
/// [`TerminalError`] when the terminal cannot be used; the engine is stopped then, too.
pub async fn run(shell: Shell) -> Result<u8, TerminalError> {
    let Shell { engine, setup, clock, editor, screen_state } = shell;
    let opened = match Opened::open() {
        Ok(opened) => opened,
        Err(error) => {
            stop_engine(engine).await;
            return Err(error);
        }
    };
    let Opened { terminal, size, screen, mut causes, editor_in_front, woken } = opened;
    let (app, first_effects) = App::new(setup);
    let mut front = FrontEnd {
        app,
        theme: Theme::new(colours::from_environment()),
        screen,
        terminal,
        inbox: Inbox::new(engine, clock),
        woken,
        editor,
        editor_in_front,
        editing: None,
        files: FileWriter::default(),
        screen_state,
        picture: Picture::Stale,
    };
    let end = match front.start(size, first_effects).await {
        Ok(None) => front.turns(&mut causes).await,
        Ok(Some(end)) => end,
        Err(error) => End::TerminalLost(error),
    };
    let exit_code = match &end {
        End::Quit => 0,
        End::Stopped(cause) => cause.exit_code(),
        End::TerminalLost(error) => {
            tracing::warn!(%error, "the terminal is lost");
            stop::start_deadline(front.terminal.restorer(), TERMINAL_LOST_EXIT);
            TERMINAL_LOST_EXIT
        }
    };
    front.close().await;
    // Only now may the silent pipe of a vanished terminal go.
    drop(end);
    Ok(exit_code)
}

/// The terminal and what watches over it.
struct Opened {
    terminal: TerminalGuard,
    size: (u16, u16),
    screen: Screen,
    causes: mpsc::Receiver<StopCause>,
    editor_in_front: EditorInFront,
    woken: unix::Signal,
}

impl Opened {
    fn open() -> Result<Self, TerminalError> {
        let terminal = TerminalGuard::enter()?;
        let editor_in_front = EditorInFront::default();
        let causes = stop::watch(terminal.restorer(), editor_in_front.clone())?;
        let size = terminal::size_cells();
        let screen = Screen::new(size.0, size.1)?;
        let woken = unix::signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        Ok(Self { terminal, size, screen, causes, editor_in_front, woken })
    }
}

async fn stop_engine(engine: Engine) {
    match engine.shutdown(ENGINE_LIMIT).await {
        Stopped::Clean => {}
        Stopped::Abandoned { tasks } => tracing::warn!(tasks, "tasks did not stop in time"),
    }
}

/// Why the loop ended.
enum End {
    Quit,
    Stopped(StopCause),
    TerminalLost(io::Error),
}

/// Whether the screen shows the `App` as it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Picture {
    Current,
    Stale,
}

struct FrontEnd {
    app: App,
    theme: Theme,
    screen: Screen,
    terminal: TerminalGuard,
    inbox: Inbox,
    /// SIGCONT.
    woken: unix::Signal,
    editor: EditorSettings,
    editor_in_front: EditorInFront,
    editing: Option<Editing>,
    files: FileWriter,
    screen_state: StateFile,
    picture: Picture,
}

/// What a turn begins with.
enum Happened {
    Stop(StopCause),
    Woken,
    FrameOut(io::Result<()>),
    EditorEnded(io::Result<ExitStatus>),
    Message(io::Result<Msg>),
}

impl FrontEnd {
    async fn start(
        &mut self,
        (width_cells, height_cells): (u16, u16),
        effects: Vec<Effect>,
    ) -> io::Result<Option<End>> {
        match self.carry_out(effects).await? {
            None => self.take(Msg::Resized { width_cells, height_cells }).await,
            Some(end) => Ok(Some(end)),
        }
    }

    async fn turns(&mut self, causes: &mut mpsc::Receiver<StopCause>) -> End {
        loop {
            if let Err(error) = self.draw_if_due() {
                return End::TerminalLost(error);
            }
            let happened = tokio::select! {
                biased;
                Some(cause) = causes.recv() => Happened::Stop(cause),
                Some(()) = self.woken.recv() => Happened::Woken,
                written = self.screen.written() => Happened::FrameOut(written),
                status = editor_ended(&mut self.editing) => Happened::EditorEnded(status),
                Some(message) = self.files.finished() => Happened::Message(Ok(message)),
                message = self.inbox.next() => Happened::Message(message),
            };
            let end = match happened {
                Happened::Stop(cause) => return End::Stopped(cause),
                Happened::Woken => self.wake().await,
                Happened::FrameOut(written) => written.map(|()| None),
                Happened::EditorEnded(status) => self.finish_editing(status).await,
                Happened::Message(message) => self.turn(message).await,
            };
            match end {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                Err(error) => return End::TerminalLost(error),
            }
        }
    }

    /// One message and up to [`DRAIN_LIMIT`] more that are waiting already.
    async fn turn(&mut self, first: io::Result<Msg>) -> io::Result<Option<End>> {
        let mut end = self.take(first?).await?;
        for _more in 0..DRAIN_LIMIT {
            if end.is_some() || self.editing.is_some() {
                break;
            }
            let Some(message) = self.inbox.try_next() else { break };
            end = self.take(message?).await?;
        }
        Ok(end)
    }

    async fn take(&mut self, message: Msg) -> io::Result<Option<End>> {
        if let Msg::Resized { width_cells, height_cells } = &message {
            self.screen.resize(*width_cells, *height_cells);
        }
        self.picture = Picture::Stale;
        let effects = app::update(&mut self.app, message);
        self.carry_out(effects).await
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> io::Result<Option<End>> {
        let mut waiting = VecDeque::from(effects);
        while let Some(effect) = waiting.pop_front() {
            let answers = match effect {
                Effect::Send(command) => self.send(command),
                Effect::Copy(text) => self.queue(&clipboard_bytes(&text)?)?,
                Effect::Edit(text) => self.start_editing(text).await?,
                Effect::WriteNew { file, bytes } => {
                    self.files.write_new(file, bytes);
                    Vec::new()
                }
                Effect::Remember(text) => {
                    self.screen_state.keep(text);
                    Vec::new()
                }
                Effect::Bell => self.queue(BELL)?,
                Effect::Suspend => self.suspend().await?,
                Effect::Redraw => vec![self.redraw()?],
                Effect::Quit => return Ok(Some(End::Quit)),
            };
            for message in answers {
                waiting.extend(app::update(&mut self.app, message));
            }
        }
        Ok(None)
    }

    fn queue(&mut self, bytes: &[u8]) -> io::Result<Vec<Msg>> {
        self.screen.queue(bytes);
        self.picture = Picture::Stale;
        Ok(Vec::new())
    }

    fn send(&self, command: EngineCommand) -> Vec<Msg> {
        match self.inbox.engine.commands.try_send(command) {
            Ok(()) => Vec::new(),
            Err(TrySendError::Full(command) | TrySendError::Closed(command)) => {
                vec![Msg::Refused(command.id())]
            }
        }
    }

    fn draw_if_due(&mut self) -> io::Result<()> {
        let due = self.picture == Picture::Stale && self.editing.is_none();
        if due && self.screen.is_idle() {
            self.picture = Picture::Current;
            let (app, theme) = (&self.app, &self.theme);
            self.screen.draw(|frame| {
                let area = frame.area();
                if let Some(position) = ui::render(app, theme, area, frame.buffer_mut()) {
                    frame.set_cursor_position(position);
                }
            })?;
        }
        Ok(())
    }

    /// Every cell anew, at the size the terminal has now.
    fn redraw(&mut self) -> io::Result<Msg> {
        let (width_cells, height_cells) = terminal::size_cells();
        self.screen.resize(width_cells, height_cells);
        self.picture = Picture::Stale;
        Ok(Msg::Resized { width_cells, height_cells })
    }

    /// After the process slept: a shell has used the terminal meanwhile.
    async fn wake(&mut self) -> io::Result<Option<End>> {
        if self.editing.is_some() {
            return Ok(None);
        }
        let message = self.reenter()?;
        self.take(message).await
    }

    /// Takes the terminal back.
    fn reenter(&mut self) -> io::Result<Msg> {
        self.terminal.reenter()?;
        self.inbox.start_input();
        self.redraw()
    }

    /// Gives the terminal up: no reader, no frame under way, settings as found.
    async fn leave(&mut self) {
        self.inbox.stop_input().await;
        if !self.screen.is_idle() {
            match tokio::time::timeout(FRAME_LIMIT, self.screen.written()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "the last frame was lost"),
                Err(_elapsed) => tracing::debug!("the terminal is stalled"),
            }
        }
        self.terminal.leave();
    }

    /// Stops the whole process group, as a shell with job control expects.
    async fn suspend(&mut self) -> io::Result<Vec<Msg>> {
        self.leave().await;
        kill_current_process_group(Signal::TSTP)?;
        if tokio::time::timeout(WAKE_LIMIT, self.woken.recv()).await.is_err() {
            tracing::debug!("nobody stopped us");
        }
        Ok(vec![self.reenter()?])
    }

    async fn start_editing(&mut self, text: String) -> io::Result<Vec<Msg>> {
        self.leave().await;
        self.editor_in_front.begin();
        match Editing::start(text, &self.editor) {
            Ok(editing) => {
                self.editing = Some(editing);
                Ok(Vec::new())
            }
            Err(error) => {
                self.editor_in_front.end();
                Ok(vec![self.reenter()?, Msg::EditorFailed(error.problem())])
            }
        }
    }

    async fn finish_editing(&mut self, status: io::Result<ExitStatus>) -> io::Result<Option<End>> {
        let Some(editing) = self.editing.take() else { return Ok(None) };
        let message = match editing.finish(status) {
            Ok(text) => Msg::Edited(text),
            Err(error) => Msg::EditorFailed(error.problem()),
        };
        self.editor_in_front.end();
        let resized = self.reenter()?;
        match self.take(resized).await? {
            None => self.take(message).await,
            Some(end) => Ok(Some(end)),
        }
    }

    async fn close(mut self) {
        if let Some(editing) = self.editing.take() {
            editing.hang_up().await;
        }
        self.leave().await;
        stop_engine(self.inbox.engine).await;
        self.screen_state.close();
    }
}

async fn editor_ended(editing: &mut Option<Editing>) -> io::Result<ExitStatus> {
    match editing {
        Some(editing) => editing.wait().await,
        None => std::future::pending().await,
    }
}
