//! What is known of mail providers: a table of presets, and detection from an address.

mod domains;
pub mod presets;
