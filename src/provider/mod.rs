//! What is known of mail providers: a table of presets, and detection from an address.

pub mod detect;
mod domains;
pub mod presets;
