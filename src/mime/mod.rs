//! Bytes to model and back, as pure functions.

mod address_list;
pub mod compose;
pub mod detach;
mod fields;
pub mod html;
pub mod parse;
pub mod quote;
pub mod sanitise;
pub mod subject;
mod tree;
