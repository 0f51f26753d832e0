//! Searching on servers and keeping searches, through the engine alone.

use posthaste::config::ConfigFile;
use posthaste::engine::{Engine, EngineSetup, Liveness};
use posthaste::engine_api::command::EngineCommand;
use posthaste::engine_api::event::EngineEvent;
use posthaste::model::detection::Lookup;
use posthaste::model::folder::{Folder, FolderRole};
use posthaste::model::ids::{AccountId, CommandId, MessageId};
use posthaste::model::listing::SearchScope;
use posthaste::model::query::Query;
use posthaste::sandbox::Sandbox;
use posthaste::sandbox::options::{Personality, SandboxOptions};
use posthaste::sandbox::service::{Power, ServiceName};
use posthaste::secrets::SecretPlaces;
use posthaste::stdx::clock::Clock;
use posthaste::store::Store;

const ADA: &str = "ada@example.org";

/// An engine that does nothing by itself, linked to a server.
struct Desk {
    engine: Engine,
    sandbox: Sandbox,
    account: AccountId,
    folders: Vec<Folder>,
    next: u64,
}

impl Desk {
    async fn new(personality: Personality) -> Self {
        let clock = Clock::system();
        let options = SandboxOptions { personality, ..SandboxOptions::test(clock.clone()) };
        let sandbox = Sandbox::start(options).await.unwrap();
        let engine = Engine::start(EngineSetup {
            config: ConfigFile::in_memory(),
            store: Store::in_memory(&clock).unwrap(),
            secrets: SecretPlaces::in_memory(),
            clock,
            extra_roots: vec![sandbox.root()],
            lock_dir: None,
            liveness: Liveness::OnDemand,
            detect: Lookup::Offline,
        })
        .await
        .unwrap();
        let (account, folders) = (AccountId(0), Vec::new());
        let mut desk = Self { engine, sandbox, account, folders, next: 0 };
        let request = Box::new(desk.sandbox.link_request());
        let linked = desk.ask(|id| EngineCommand::Link { id, request }).await;
        let Some(EngineEvent::Linked { account, .. }) = linked.last() else { panic!("{linked:?}") };
        desk.account = *account;
        let account = desk.account;
        let listed = desk.ask(|id| EngineCommand::ListFolders { id, account }).await;
        let Some(EngineEvent::FoldersLoaded { folders, .. }) = listed.last() else {
            panic!("{listed:?}")
        };
        desk.folders = folders.clone();
        desk
    }

    async fn tell(&mut self, make: impl FnOnce(CommandId) -> EngineCommand) -> CommandId {
        self.next += 1;
        let id = CommandId(self.next);
        self.engine.commands.send(make(id)).await.unwrap();
        id
    }

    /// What is answered to a command, its closing event last.
    async fn ask(&mut self, make: impl FnOnce(CommandId) -> EngineCommand) -> Vec<EngineEvent> {
        let id = self.tell(make).await;
        self.answers(id).await
    }

    async fn answers(&mut self, id: CommandId) -> Vec<EngineEvent> {
        let mut answers = Vec::new();
        loop {
            let event = self.engine.events.recv().await.unwrap();
            match event {
                EngineEvent::ServersFound { id: of, .. } if of == id => answers.push(event),
                EngineEvent::CommandFailed { id: of, .. }
                | EngineEvent::CommandDone { id: of }
                | EngineEvent::CommandCancelled { id: of }
                | EngineEvent::Linked { id: of, .. }
                | EngineEvent::FoldersLoaded { id: of, .. }
                | EngineEvent::MessageLoaded { id: of, .. }
                | EngineEvent::SavedSearchesLoaded { id: of, .. }
                    if of == id =>
                {
                    answers.push(event);
                    return answers;
                }
                _other => {}
            }
        }
    }

    fn folder(&self, role: FolderRole) -> &Folder {
        self.folders.iter().find(|folder| folder.role == role).unwrap()
    }

    fn deliver(&self, role: FolderRole, subject: &str, body: &str) {
        let bytes = format!(
            "From: Alan <alan@example.org>\r\nTo: Ada <{ADA}>\r\nSubject: {subject}\r\n\
             Date: Fri, 20 Nov 2026 08:00:00 +0000\r\n\r\n{body}\r\n"
        );
        let folder = &self.folder(role).name;
        self.sandbox.control().deliver(ADA, folder, bytes.as_bytes()).unwrap();
    }

    /// Subjects of what the servers find, newest first within each folder.
    async fn found(&mut self, text: &str, scope: SearchScope) -> Vec<String> {
        let query = Query::parse(text).unwrap();
        let answers = self.ask(|id| EngineCommand::SearchServers { id, query, scope }).await;
        assert!(matches!(answers.last(), Some(EngineEvent::CommandDone { .. })), "{answers:?}");
        let mut subjects = Vec::new();
        for answer in answers {
            if let EngineEvent::ServersFound { messages, .. } = answer {
                for message in messages {
                    subjects.push(self.subject(message).await);
                }
            }
        }
        subjects
    }

    async fn subject(&mut self, message: MessageId) -> String {
        let loaded = self.ask(|id| EngineCommand::LoadMessage { id, message }).await;
        match loaded.last() {
            Some(EngineEvent::MessageLoaded { row, .. }) => row.subject.clone(),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_server_finds_what_is_not_cached_here() {
    for personality in [Personality::Exchange, Personality::Dovecot] {
        let mut desk = Desk::new(personality).await;
        desk.deliver(FolderRole::Inbox, "One", "A zeppelin over the lake.");
        desk.deliver(FolderRole::Archive, "Two", "Another zeppelin, gone by now.");
        desk.deliver(FolderRole::Junk, "Three", "Buy a zeppelin.");
        let everywhere = SearchScope::Everywhere;
        assert_eq!(desk.found("body:zeppelin ", everywhere).await, ["One", "Two"]);
        assert_eq!(desk.found("body:zeppelin ", everywhere).await, ["One", "Two"], "cached now");
        assert_eq!(desk.found("zeppelin -lake", everywhere).await, ["Two"]);
        assert_eq!(desk.found("zeppelin body:lake OR body:gone", everywhere).await, ["One", "Two"]);
        assert_eq!(desk.found("zeppelin in:junk", everywhere).await, ["Three"]);
        let archive = SearchScope::Folder(desk.folder(FolderRole::Archive).id);
        assert_eq!(desk.found("zeppelin", archive).await, ["Two"]);
        assert!(desk.found("has:attachment", everywhere).await.is_empty(), "nothing to ask");
        assert!(desk.found("zeppelin account:other", everywhere).await.is_empty());
    }
}

#[tokio::test]
async fn a_search_can_be_stopped_and_a_server_that_is_away_is_told() {
    let mut desk = Desk::new(Personality::Exchange).await;
    let query = Query::parse("zeppelin").unwrap();
    let scope = SearchScope::Everywhere;
    let again = query.clone();
    let id = desk.tell(|id| EngineCommand::SearchServers { id, query, scope }).await;
    desk.engine.commands.send(EngineCommand::Cancel { id }).await.unwrap();
    let answers = desk.answers(id).await;
    assert!(matches!(answers[..], [EngineEvent::CommandCancelled { .. }]), "{answers:?}");

    desk.sandbox.control().switch(ServiceName::Imap, Power::Off).await;
    let query = again;
    let answers = desk.ask(|id| EngineCommand::SearchServers { id, query, scope }).await;
    assert!(matches!(answers[..], [EngineEvent::CommandFailed { .. }]), "{answers:?}");
}

#[tokio::test]
async fn a_search_is_kept_listed_and_forgotten() {
    let mut desk = Desk::new(Personality::Dovecot).await;
    let query = Query::parse("is:unread from:alan ").unwrap();
    let scope = SearchScope::Folder(desk.folder(FolderRole::Inbox).id);
    for (name, done) in [(" Alan ", true), ("  ", false)] {
        let (query, name) = (query.clone(), name.to_owned());
        let saved = desk.ask(|id| EngineCommand::SaveSearch { id, name, query, scope }).await;
        assert_eq!(matches!(saved[..], [EngineEvent::CommandDone { .. }]), done, "{saved:?}");
    }
    let listed = async |desk: &mut Desk| match desk
        .ask(|id| EngineCommand::ListSavedSearches { id })
        .await
        .pop()
    {
        Some(EngineEvent::SavedSearchesLoaded { searches, .. }) => searches,
        other => panic!("{other:?}"),
    };
    let searches = listed(&mut desk).await;
    assert_eq!(searches.len(), 1);
    assert_eq!((searches[0].name.as_str(), &searches[0].query), ("Alan", &query));
    assert_eq!(searches[0].scope, scope);
    let search = searches[0].id;
    desk.ask(|id| EngineCommand::RemoveSavedSearch { id, search }).await;
    assert!(listed(&mut desk).await.is_empty());
}
