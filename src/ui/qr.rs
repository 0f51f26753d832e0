//! The sign-in page as a QR code in half-block cells.

use crate::ui::half_block::{Pixel, half_block};
use fast_qr::ECL;
use fast_qr::qr::QRBuilder;

/// Light modules around the code; scanners in use are content with two (ISO 18004 asks for four).
const QUIET_MODULES: usize = 2;

/// The code as lines of cells: a filled half is light, an empty one dark, so that it is right on a
/// dark terminal even without colours. `None` when the text is too long for any code.
#[must_use]
pub fn qr_lines(text: &str) -> Option<Vec<String>> {
    let code = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
    let size = code.size;
    let side = size + 2 * QUIET_MODULES;
    let light = |row: usize, column: usize| {
        let inside = |at: usize| at.checked_sub(QUIET_MODULES).filter(|at| *at < size);
        Pixel::from(match (inside(row), inside(column)) {
            (Some(row), Some(column)) => {
                code.data.get(row * size + column).is_none_or(|module| !module.value())
            }
            _quiet_zone => row < side,
        })
    };
    let line = |row: usize| {
        (0..side).map(|column| half_block(light(row, column), light(row + 1, column))).collect()
    };
    Some((0..side).step_by(2).map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::qr_lines;

    #[test]
    fn a_sign_in_page_fits_beside_the_code_at_80_columns() {
        let lines = qr_lines("https://login.microsoft.com/device").unwrap();
        assert_eq!((lines.len(), lines[0].chars().count()), (17, 33));
        assert!(lines.iter().all(|line| line.chars().count() == 33));
        // The finder pattern in the corner, behind two light modules.
        assert!(lines[1].starts_with("\u{2588}\u{2588} \u{2584}\u{2584}\u{2584}\u{2584}\u{2584} "));
        assert_eq!(qr_lines(&"x".repeat(5000)), None);
    }
}
