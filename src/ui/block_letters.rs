//! A device code in letters of several cells, so that it can be read from across the desk.

use crate::ui::half_block::{Pixel, half_block};

/// Columns of a letter.
const LETTER_CELLS: usize = 4;
/// Rows of pixels of a letter; two of them share one row of cells.
const PIXEL_ROWS: usize = 5;

/// A letter: five rows of four pixels, the leftmost in the highest of the low four bits.
type Letter = [u8; PIXEL_ROWS];

const LETTERS: &[(char, Letter)] = &[
    ('A', [0b0110, 0b1001, 0b1111, 0b1001, 0b1001]),
    ('B', [0b1110, 0b1001, 0b1110, 0b1001, 0b1110]),
    ('C', [0b0111, 0b1000, 0b1000, 0b1000, 0b0111]),
    ('D', [0b1110, 0b1001, 0b1001, 0b1001, 0b1110]),
    ('E', [0b1111, 0b1000, 0b1110, 0b1000, 0b1111]),
    ('F', [0b1111, 0b1000, 0b1110, 0b1000, 0b1000]),
    ('G', [0b0111, 0b1000, 0b1011, 0b1001, 0b0111]),
    ('H', [0b1001, 0b1001, 0b1111, 0b1001, 0b1001]),
    ('I', [0b1110, 0b0100, 0b0100, 0b0100, 0b1110]),
    ('J', [0b0011, 0b0001, 0b0001, 0b1001, 0b0110]),
    ('K', [0b1001, 0b1010, 0b1100, 0b1010, 0b1001]),
    ('L', [0b1000, 0b1000, 0b1000, 0b1000, 0b1111]),
    ('M', [0b1001, 0b1111, 0b1111, 0b1001, 0b1001]),
    ('N', [0b1001, 0b1101, 0b1011, 0b1001, 0b1001]),
    ('O', [0b0110, 0b1001, 0b1001, 0b1001, 0b0110]),
    ('P', [0b1110, 0b1001, 0b1110, 0b1000, 0b1000]),
    ('Q', [0b0110, 0b1001, 0b1001, 0b1010, 0b0101]),
    ('R', [0b1110, 0b1001, 0b1110, 0b1010, 0b1001]),
    ('S', [0b0111, 0b1000, 0b0110, 0b0001, 0b1110]),
    ('T', [0b1110, 0b0100, 0b0100, 0b0100, 0b0100]),
    ('U', [0b1001, 0b1001, 0b1001, 0b1001, 0b0110]),
    ('V', [0b1001, 0b1001, 0b1001, 0b0110, 0b0110]),
    ('W', [0b1001, 0b1001, 0b1111, 0b1111, 0b1001]),
    ('X', [0b1001, 0b1001, 0b0110, 0b1001, 0b1001]),
    ('Y', [0b1010, 0b1010, 0b0100, 0b0100, 0b0100]),
    ('Z', [0b1111, 0b0001, 0b0110, 0b1000, 0b1111]),
    ('0', [0b0110, 0b1011, 0b1101, 0b1001, 0b0110]),
    ('1', [0b0100, 0b1100, 0b0100, 0b0100, 0b1110]),
    ('2', [0b1110, 0b0001, 0b0110, 0b1000, 0b1111]),
    ('3', [0b1110, 0b0001, 0b0110, 0b0001, 0b1110]),
    ('4', [0b1001, 0b1001, 0b1111, 0b0001, 0b0001]),
    ('5', [0b1111, 0b1000, 0b1110, 0b0001, 0b1110]),
    ('6', [0b0110, 0b1000, 0b1110, 0b1001, 0b0110]),
    ('7', [0b1111, 0b0001, 0b0010, 0b0100, 0b0100]),
    ('8', [0b0110, 0b1001, 0b0110, 0b1001, 0b0110]),
    ('9', [0b0110, 0b1001, 0b0111, 0b0001, 0b0110]),
    ('-', [0b0000, 0b0000, 0b1110, 0b0000, 0b0000]),
];

/// `text` in three lines of block letters; `None` when a character has none or they do not fit
/// into `width` cells.
#[must_use]
pub fn block_letters(text: &str, width: usize) -> Option<Vec<String>> {
    let letter = |wanted: char| {
        let wanted = wanted.to_ascii_uppercase();
        LETTERS.iter().find(|(known, _)| *known == wanted).map(|(_known, letter)| letter)
    };
    let letters: Vec<&Letter> = text.chars().map(letter).collect::<Option<_>>()?;
    if letters.is_empty() || width < letters.len() * (LETTER_CELLS + 1) - 1 {
        return None;
    }
    let pixel = |letter: &Letter, row: usize, column: usize| {
        let bits = letter.get(row).copied().unwrap_or_default();
        Pixel::from(bits >> (LETTER_CELLS - 1 - column) & 1 == 1)
    };
    let lines = (0..PIXEL_ROWS).step_by(2).map(|row| {
        let shapes = letters.iter().map(|letter| {
            let cells = (0..LETTER_CELLS).map(|column| {
                half_block(pixel(letter, row, column), pixel(letter, row + 1, column))
            });
            cells.collect::<String>()
        });
        shapes.collect::<Vec<_>>().join(" ")
    });
    Some(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::block_letters;

    #[test]
    fn letters_are_drawn_where_they_fit() {
        insta::assert_snapshot!(block_letters("AK-7", 19).unwrap().join("\n"), @r#"
        ▄▀▀▄ █ ▄▀      ▀▀▀█
        █▀▀█ █▀▄  ▀▀▀   ▄▀ 
        ▀  ▀ ▀  ▀       ▀
        "#);
        assert_eq!(block_letters("AK-7", 18), None);
        assert_eq!(block_letters("Ä", 80), None);
        assert_eq!(block_letters("", 80), None);
    }
}
