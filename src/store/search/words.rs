//! Text as the index keeps it: folded and cut into words. Searches go the same way.
//!
//! Folding: compatibility forms (full-width letters, ligatures) by NFKC, case, and the accents of
//! scripts whose readers leave them out. Words: runs of letters and digits. Scripts without blanks
//! between words are cut into overlapping pairs of characters, with the last character of a run
//! once more alone, so that any part of a run can be found and one character is the beginning of a
//! word. A picture (emoji) is a word of its own.
//!
//! The words stand in the index with blanks between them and are cut there by FTS5's `ascii`
//! tokenizer: to it every character that is not ASCII belongs to a word, whereas `unicode61` would
//! cut again by the tables of Unicode 6.1.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_normalizer::properties::{CanonicalDecompositionBorrowed, Decomposed};

/// Longest word in characters; what is longer is data (base64) and is found by its beginning.
const WORD_LIMIT_CHARS: usize = 64;

/// What a character is to the index.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a word.
    Letter,
    /// Part of a run without blanks between its words.
    Dense,
    /// A word of its own.
    Picture,
    /// Between words.
    Gap,
}

/// Words of a search that stand one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::search) struct Phrase {
    /// The words, blanks between them.
    pub(in crate::store::search) words: String,
    /// Whether the last one is only the beginning of a word.
    pub(in crate::store::search) reach: Reach,
}

/// What the last word of a phrase has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::search) enum Reach {
    /// A whole word.
    Whole,
    /// The beginning of a word.
    Beginning,
}

/// Appends the words of `text`, each behind a blank.
pub(in crate::store::search) fn append(text: &str, out: &mut String) {
    let mut cutter = Cutter::new(out);
    fold(text, |c| cutter.take(c));
    cutter.end_run();
}

/// The words to look for; `None` when there are none in `text`. `reach` is what was asked for the
/// last word: one letter alone is always a whole word, since half of all messages have a word that
/// begins with it, and one character of a dense run always a beginning.
pub(in crate::store::search) fn phrase(text: &str, reach: Reach) -> Option<Phrase> {
    let mut words = String::new();
    let mut cutter = Cutter::new(&mut words);
    fold(text, |c| cutter.take(c));
    let (last, length) = (cutter.class, cutter.length);
    if last != Class::Dense || length < 2 {
        cutter.end_run();
    }
    let reach = match last {
        Class::Dense if length < 2 => Reach::Beginning,
        Class::Letter if 1 < length => reach,
        Class::Letter | Class::Dense | Class::Picture | Class::Gap => Reach::Whole,
    };
    let words = words.trim_start();
    (!words.is_empty()).then(|| Phrase { words: words.to_owned(), reach })
}

/// Puts characters together to words.
struct Cutter<'a> {
    out: &'a mut String,
    /// Class of the character before.
    class: Class,
    /// Characters of its run.
    length: usize,
    /// The character before.
    last: char,
}

impl<'a> Cutter<'a> {
    fn new(out: &'a mut String) -> Self {
        Self { out, class: Class::Gap, length: 0, last: ' ' }
    }

    fn take(&mut self, c: char) {
        let class = class(c);
        if class != self.class {
            self.end_run();
            self.class = class;
            self.length = 0;
        }
        match class {
            Class::Letter => {
                if self.length == 0 {
                    self.out.push(' ');
                }
                if self.length < WORD_LIMIT_CHARS {
                    self.out.push(c);
                }
            }
            Class::Dense => {
                if self.length != 0 {
                    self.out.extend([' ', self.last, c]);
                }
            }
            Class::Picture => self.out.extend([' ', c]),
            Class::Gap => {}
        }
        self.length += 1;
        self.last = c;
    }

    fn end_run(&mut self) {
        if self.class == Class::Dense {
            self.out.extend([' ', self.last]);
        }
        self.class = Class::Gap;
    }
}

/// Hands over the folded characters of `text`.
fn fold(text: &str, mut take: impl FnMut(char)) {
    if text.is_ascii() {
        return text.chars().for_each(|c| take(c.to_ascii_lowercase()));
    }
    for c in ComposingNormalizerBorrowed::new_nfkc().normalize(text).chars() {
        if c.is_ascii() {
            take(c.to_ascii_lowercase());
        } else if !is_silent(c) {
            fold_letter(c, &mut take);
        }
    }
}

fn fold_letter(c: char, take: &mut impl FnMut(char)) {
    // A syllable of Hangul or a voiced kana is not a letter with an accent.
    if is_dense(c) {
        return take(c);
    }
    for lower in c.to_lowercase() {
        let bare = bare(lower);
        match spelt(bare) {
            Some(letters) => letters.chars().for_each(&mut *take),
            None if is_silent(bare) => {}
            None => take(bare),
        }
    }
}

/// A letter without its accents.
fn bare(c: char) -> char {
    let table = CanonicalDecompositionBorrowed::new();
    let mut letter = c;
    // Four accents on one letter are the most that Unicode composes.
    for _accent in 0..4 {
        letter = match table.decompose(letter) {
            Decomposed::Expansion(first, second) if is_silent(second) => first,
            Decomposed::Singleton(other) => other,
            Decomposed::Expansion(_, _) | Decomposed::Default => return letter,
        };
    }
    letter
}

/// Letters that people write in other ways when they look for them.
fn spelt(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'ı' => "i",
        'ς' => "σ",
        'ø' => "o",
        'æ' => "ae",
        'œ' => "oe",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ł' => "l",
        'þ' => "th",
        // Alef maksura and teh marbuta, which many writers do not tell from yeh and heh.
        'ى' => "ي",
        'ة' => "ه",
        _ => return None,
    })
}

/// Accents, vowel points and joiners: written or left out, the word is the same.
fn is_silent(c: char) -> bool {
    matches!(u32::from(c),
        0x00AD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2069 | 0xFEFF // invisible
        | 0x0300..=0x036F | 0x0483..=0x0489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF
        | 0xFE20..=0xFE2F // accents
        | 0x0591..=0x05BD | 0x05BF | 0x05C1..=0x05C2 | 0x05C4..=0x05C5 | 0x05C7 // Hebrew points
        | 0x0610..=0x061A | 0x0640 | 0x064B..=0x065F | 0x0670 | 0x06D6..=0x06DC
        | 0x06DF..=0x06E4 | 0x06E7..=0x06E8 | 0x06EA..=0x06ED // Arabic marks, tatweel
        | 0xFE00..=0xFE0F | 0xE0100..=0xE01EF // variation selectors
        | 0x1F3FB..=0x1F3FF) // colours of skin
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Letter } else { Class::Gap };
    }
    if is_dense(c) {
        return Class::Dense;
    }
    match u32::from(c) {
        0x1F000..=0x1FAFF | 0x2300..=0x23FF | 0x2600..=0x27BF | 0x2B00..=0x2BFF => Class::Picture,
        // The scripts of India: vowel signs and viramas belong to the word, dandas end it.
        0x0964 | 0x0965 | 0x0970 => Class::Gap,
        0x0900..=0x0DFF => Class::Letter,
        _ if c.is_alphanumeric() => Class::Letter,
        _ => Class::Gap,
    }
}

/// Scripts that are written without blanks between words, and Hangul, whose words carry endings.
fn is_dense(c: char) -> bool {
    matches!(u32::from(c),
        0x0E01..=0x0E3A | 0x0E40..=0x0E4E // Thai
        | 0x0E81..=0x0EBD | 0x0EC0..=0x0ECE | 0x0EDC..=0x0EDF // Lao
        | 0x1000..=0x103F | 0x1050..=0x109F // Burmese
        | 0x1100..=0x11FF | 0xA960..=0xA97F | 0xAC00..=0xD7FF // Hangul
        | 0x1780..=0x17D3 | 0x17D7 | 0x17DC..=0x17DD // Khmer
        | 0x2E80..=0x2FDF | 0x3005..=0x3007 | 0x3021..=0x3029 // Han radicals and marks
        | 0x3041..=0x309F | 0x30A1..=0x30FA | 0x30FC..=0x30FF | 0x31F0..=0x31FF // kana
        | 0x3105..=0x312F | 0x31A0..=0x31BF // Bopomofo
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF // Han
        | 0x1B000..=0x1B16F | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use crate::store::search::words::{Phrase, Reach, append, phrase};
    use proptest::prelude::*;

    fn indexed(text: &str) -> String {
        let mut out = String::new();
        append(text, &mut out);
        out.trim_start().to_owned()
    }

    #[test]
    fn text_is_folded_and_cut_into_words() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(indexed(text), expected, "{text:?}");
        }
        check("", "");
        check(" Hello,  World_2! ", "hello world 2");
        check("ada.love@Mail.example.org", "ada love mail example org");
        check("Straße GRÖSSE größe", "strasse grosse grosse");
        check("u\u{308}ber Über", "uber uber");
        check("İstanbul ISPARTA ışık", "istanbul isparta isik");
        check("ΟΔΥΣΣΕΎΣ Οδυσσεύς", "οδυσσευσ οδυσσευσ");
        check("Ёлка ЁЛКА елка й", "елка елка елка и");
        check("שָׁלוֹם שלום", "שלום שלום");
        check("مُحَمَّد محمـد أحمد مدرسة", "محمد محمد احمد مدرسه");
        check("Łódź Ørsted Þór fiancée", "lodz orsted thor fiancee");
        check("ＦＵＬＬ ｗｉｄｔｈ ﬁne x²", "full width fine x2");
        check("中文字", "中文 文字 字");
        check("中", "中");
        check("日本語とカナ", "日本 本語 語と とカ カナ ナ");
        check("ﾊﾞｽ バス", "バス ス バス ス");
        check("がか", "がか か");
        check("한국어 메일", "한국 국어 어 메일 일");
        check("สวัสดี", "สว วั ัส สด ดี ี");
        check("Re: 中文 Test測試abc", "re 中文 文 test 測試 試 abc");
        check("हिन्दी। भाषा", "हिन्दी भाषा");
        check("party 🎉🎉 👍🏽 ❤\u{fe0f}", "party 🎉 🎉 👍 ❤");
        check("soft\u{ad}hyphen zero\u{200b}width", "softhyphen zerowidth");
        check(&"x".repeat(70), &"x".repeat(64));
    }

    #[test]
    fn a_phrase_is_cut_as_the_index_is() {
        #[track_caller]
        fn check(text: &str, reach: Reach, expected: Option<(&str, Reach)>) {
            let expected = expected.map(|(words, reach)| Phrase { words: words.to_owned(), reach });
            assert_eq!(phrase(text, reach), expected, "{text:?}");
        }
        use Reach::{Beginning, Whole};
        check("Größe", Whole, Some(("grosse", Whole)));
        check("Grö", Beginning, Some(("gro", Beginning)));
        check("ada@exa", Beginning, Some(("ada exa", Beginning)));
        check("a", Beginning, Some(("a", Whole)));
        check("x a", Beginning, Some(("x a", Whole)));
        check("report.", Beginning, Some(("report", Whole)));
        check("中", Whole, Some(("中", Beginning)));
        check("中文", Beginning, Some(("中文", Whole)));
        check("中文字", Whole, Some(("中文 文字", Whole)));
        check("中文 abc", Beginning, Some(("中文 文 abc", Beginning)));
        check("abc 中", Whole, Some(("abc 中", Beginning)));
        check("🎉", Beginning, Some(("🎉", Whole)));
        check("***", Beginning, None);
        check("", Whole, None);
    }

    proptest! {
        #[test]
        fn the_tokenizer_of_the_index_sees_the_same_words(text in "\\PC*") {
            for word in indexed(&text).split(' ').filter(|word| !word.is_empty()) {
                let kept = |c: char| !c.is_ascii() || c.is_ascii_lowercase() || c.is_ascii_digit();
                prop_assert!(word.chars().all(kept), "{word:?}");
            }
        }
    }
}
