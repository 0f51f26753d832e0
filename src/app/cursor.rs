//! A cursor in a list of rows, and the first row that is on screen.

/// Position of the cursor and of the screen's first row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Row the cursor is on.
    pub at: usize,
    /// First row on screen.
    pub top: usize,
}

/// A wish to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// To the first row.
    First,
    /// To the last row.
    Last,
    /// Half a page down.
    HalfPageDown,
    /// Half a page up.
    HalfPageUp,
}

impl Move {
    /// The row that a cursor at `at` reaches in a list of `count` rows of which `page` fit.
    #[must_use]
    pub fn target(self, at: usize, count: usize, page: usize) -> usize {
        let half = (page / 2).max(1);
        let wanted = match self {
            Self::Down => at.saturating_add(1),
            Self::Up => at.saturating_sub(1),
            Self::First => 0,
            Self::Last => usize::MAX,
            Self::HalfPageDown => at.saturating_add(half),
            Self::HalfPageUp => at.saturating_sub(half),
        };
        wanted.min(count.saturating_sub(1))
    }
}

impl Cursor {
    /// Moves within `count` rows of which `page` fit on screen.
    ///
    /// A single step off the screen turns half a page: over a slow line one large change now and
    /// then is lighter than every row moving up by one at each key.
    pub fn go(&mut self, step: Move, count: usize, page: usize) {
        let top = self.top;
        self.put(step.target(self.at, count, page), count, page);
        if matches!(step, Move::Down | Move::Up) && self.top != top {
            let last_top = count.saturating_sub(page.max(1));
            self.top = self.at.saturating_sub(page / 2).min(last_top);
        }
    }

    /// Puts the cursor on `at`, or on the last row, and keeps it on screen.
    pub fn put(&mut self, at: usize, count: usize, page: usize) {
        self.at = at.min(count.saturating_sub(1));
        self.top = visible_top(self.top, self.at, count, page);
    }
}

/// The first row on screen, moved from `top` no further than needed to show row `at`.
#[must_use]
pub fn visible_top(top: usize, at: usize, count: usize, page: usize) -> usize {
    let page = page.max(1);
    let lowest = (at + 1).saturating_sub(page);
    top.clamp(lowest, at.max(lowest)).min(count.saturating_sub(page).max(lowest))
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Move};

    #[test]
    fn the_cursor_stays_inside_and_on_screen() {
        #[track_caller]
        fn check(start: (usize, usize), step: Move, count: usize, page: usize, to: (usize, usize)) {
            let mut cursor = Cursor { at: start.0, top: start.1 };
            cursor.go(step, count, page);
            assert_eq!((cursor.at, cursor.top), to, "{start:?} {step:?} {count} {page}");
        }
        check((0, 0), Move::Up, 10, 4, (0, 0));
        check((2, 0), Move::Down, 10, 4, (3, 0));
        check((3, 0), Move::Down, 10, 4, (4, 2));
        check((4, 4), Move::Up, 10, 4, (3, 1));
        check((8, 5), Move::Down, 10, 4, (9, 6));
        check((0, 0), Move::Last, 10, 4, (9, 6));
        check((9, 6), Move::First, 10, 4, (0, 0));
        check((0, 0), Move::HalfPageDown, 10, 4, (2, 0));
        check((9, 6), Move::Down, 10, 4, (9, 6));
        check((0, 0), Move::Down, 0, 4, (0, 0));
        check((5, 5), Move::Down, 3, 0, (2, 2));
    }
}
