//! Where the panes stand for a screen size: plain numbers, so that moving and drawing agree.

/// A part of the screen in cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// First column.
    pub x: u16,
    /// First row.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// A pane of the main screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// The folders.
    Folders,
    /// The messages of a folder.
    List,
    /// A message.
    Reader,
}

/// Whether a message is open beside the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One is.
    Open,
    /// None is.
    Closed,
}

/// Which panes are on screen, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Panes {
    /// The folders.
    pub folders: Option<Area>,
    /// The messages.
    pub list: Option<Area>,
    /// The message.
    pub reader: Option<Area>,
}

/// Columns from which all three panes fit.
const THREE_PANES_CELLS: u16 = 120;
/// Columns from which two panes fit.
const TWO_PANES_CELLS: u16 = 80;
/// Columns of the folder list beside another pane.
const FOLDERS_CELLS: u16 = 26;
/// Rows from which every pane has a title.
const TITLE_FROM_ROWS: u16 = 16;
/// Columns from which a message fits on one line of the list.
const ONE_LINE_CELLS: u16 = 50;
/// Rows below which a message always gets one line.
const TWO_LINES_FROM_ROWS: u16 = 16;
/// Least screen that is drawn as more than one line.
pub const LEAST: (u16, u16) = (20, 5);

/// The panes of a screen of this size: the first row is the status, the last one the keys.
#[must_use]
pub fn panes(width: u16, height: u16, focus: Pane, reading: Reading) -> Panes {
    let body = Area { x: 0, y: 1, width, height: height.saturating_sub(2) };
    let column = |x: u16, width: u16| Some(Area { x, width, ..body });
    let after = |x: u16| column(x, width.saturating_sub(x));
    if THREE_PANES_CELLS <= width {
        let list_cells = (width - FOLDERS_CELLS) * 2 / 5;
        return Panes {
            folders: column(0, FOLDERS_CELLS),
            list: column(FOLDERS_CELLS + 1, list_cells),
            reader: after(FOLDERS_CELLS + 1 + list_cells + 1),
        };
    }
    let reader_beside = focus != Pane::Folders && reading == Reading::Open;
    if TWO_PANES_CELLS <= width {
        if reader_beside {
            let list_cells = width * 2 / 5;
            return Panes {
                folders: None,
                list: column(0, list_cells),
                reader: after(list_cells + 1),
            };
        }
        return Panes {
            folders: column(0, FOLDERS_CELLS),
            list: after(FOLDERS_CELLS + 1),
            reader: None,
        };
    }
    match focus {
        Pane::Folders => Panes { folders: Some(body), ..Panes::default() },
        Pane::List => Panes { list: Some(body), ..Panes::default() },
        Pane::Reader => Panes { reader: Some(body), ..Panes::default() },
    }
}

/// A pane without its title: the title's row, where there is one, and the rest.
#[must_use]
pub fn below_title(pane: Area) -> (Option<Area>, Area) {
    if pane.height < TITLE_FROM_ROWS {
        return (None, pane);
    }
    let title = Area { height: 1, ..pane };
    (Some(title), Area { y: pane.y + 1, height: pane.height - 1, ..pane })
}

/// How many rows one message takes in a list of this size.
#[must_use]
pub fn rows_per_message(list: Area) -> u16 {
    if list.width < ONE_LINE_CELLS && TWO_LINES_FROM_ROWS <= list.height { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::{Pane, Reading, panes};

    #[test]
    fn as_many_panes_as_fit() {
        #[track_caller]
        fn check(width: u16, focus: Pane, reading: Reading, expected: [bool; 3]) {
            let panes = panes(width, 24, focus, reading);
            let areas = [panes.folders, panes.list, panes.reader];
            assert_eq!(areas.map(|area| area.is_some()), expected, "{width} {focus:?}");
            let right = areas.iter().flatten().map(|area| area.x + area.width).max();
            assert_eq!(right, Some(width));
        }
        check(120, Pane::List, Reading::Closed, [true, true, true]);
        check(119, Pane::List, Reading::Closed, [true, true, false]);
        check(80, Pane::Reader, Reading::Open, [false, true, true]);
        check(80, Pane::Folders, Reading::Open, [true, true, false]);
        check(79, Pane::List, Reading::Open, [false, true, false]);
        check(1, Pane::Reader, Reading::Open, [false, false, true]);
    }
}
