//! Two pixels above each other in one cell.

/// A pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pixel {
    /// Filled.
    On,
    /// Empty.
    Off,
}

impl From<bool> for Pixel {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

/// The character that fills these halves of a cell.
#[must_use]
pub fn half_block(upper: Pixel, lower: Pixel) -> char {
    match (upper, lower) {
        (Pixel::On, Pixel::On) => '\u{2588}',
        (Pixel::On, Pixel::Off) => '\u{2580}',
        (Pixel::Off, Pixel::On) => '\u{2584}',
        (Pixel::Off, Pixel::Off) => ' ',
    }
}
