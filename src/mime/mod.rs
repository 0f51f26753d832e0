//! Bytes to model and back, as pure functions.

pub mod compose;
pub mod html;
pub mod parse;
pub mod quote;
pub mod sanitise;
