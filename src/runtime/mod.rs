//! The impure shell around the front end: terminal, event loop, effects, editor, logs.
//!
//! [`event_loop::run`] is the one place where `app`, `ui` and the engine meet. It owns the `App`;
//! the engine works on other threads and never waits for the screen, because frames are written
//! by a thread of their own ([`screen`]).

pub mod cell_writer;
pub mod colours;
pub mod editor;
pub mod effects;
pub mod event_loop;
pub mod file_writer;
pub mod hardening;
pub mod inbox;
pub mod input;
pub mod logging;
pub mod screen;
pub mod sgr;
pub mod state_file;
pub mod stop;
pub mod terminal;
pub mod watchdog;

use crate::stdx::bulk;
use std::io;

/// Threads of the engine: connections wait more than they work, and servers are few.
const WORKER_THREADS: usize = 2;
/// Stack of each thread in bytes: the IMAP parser recurses with the nesting of a hostile message,
/// and 2 MiB, the default, ends at a depth of about 300.
const THREAD_STACK_BYTES: usize = 8 * 1024 * 1024;

/// The tokio runtime of every command. Its threads fetch, parse and store, so they stand behind the
/// thread that started them, which reads the keyboard and draws.
///
/// # Errors
/// What the system answers when it gives no threads.
pub fn tokio_runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .thread_stack_size(THREAD_STACK_BYTES)
        .thread_name("posthaste")
        .on_thread_start(bulk::step_back)
        .enable_all()
        .build()
}
