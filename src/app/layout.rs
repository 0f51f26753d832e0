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

/// Where a message stands that is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seat {
    /// Beside the list.
    #[default]
    Beside,
    /// Below the list.
    Below,
    /// In the place of the list and the folders.
    Whole,
}

impl Seat {
    /// Every seat, in the order of the key.
    pub const ALL: [Self; 3] = [Self::Beside, Self::Below, Self::Whole];

    /// The word that is kept.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Beside => "beside",
            Self::Below => "below",
            Self::Whole => "alone",
        }
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Beside => Self::Below,
            Self::Below => Self::Whole,
            Self::Whole => Self::Beside,
        }
    }
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
/// Rows from which a list and a message fit one above the other.
const STACK_FROM_ROWS: u16 = 20;
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

/// Why messages cannot open anywhere else on a screen of this size; `None` when they can.
#[must_use]
pub fn fixed_seat((width, _height): (u16, u16)) -> Option<&'static str> {
    (width < TWO_PANES_CELLS)
        .then_some("Messages open alone here; from 80 columns there is a choice")
}

/// The panes of a screen of so many columns and rows: the first row is the status, the last one the
/// keys.
#[must_use]
pub fn panes((width, height): (u16, u16), focus: Pane, reading: Reading, seat: Seat) -> Panes {
    let body = Area { x: 0, y: 1, width, height: height.saturating_sub(2) };
    if width < TWO_PANES_CELLS {
        return match focus {
            Pane::Folders => Panes { folders: Some(body), ..Panes::default() },
            Pane::List => Panes { list: Some(body), ..Panes::default() },
            Pane::Reader => Panes { reader: Some(body), ..Panes::default() },
        };
    }
    let (folders, others) = split_columns(body, FOLDERS_CELLS);
    let with_folders = |list, reader| Panes { folders: Some(folders), list: Some(list), reader };
    let wide = THREE_PANES_CELLS <= width;
    let read = reading == Reading::Open;
    match seat {
        Seat::Below if STACK_FROM_ROWS <= body.height => match (wide, focus) {
            _any if !read => with_folders(others, None),
            (true, _) => {
                let (list, reader) = split_rows(others);
                with_folders(list, Some(reader))
            }
            (false, Pane::Folders) => with_folders(others, None),
            (false, Pane::List | Pane::Reader) => {
                let (list, reader) = split_rows(body);
                Panes { folders: None, list: Some(list), reader: Some(reader) }
            }
        },
        Seat::Whole => match focus {
            Pane::Reader if read => Panes { reader: Some(body), ..Panes::default() },
            Pane::Folders | Pane::List | Pane::Reader => with_folders(others, None),
        },
        Seat::Beside | Seat::Below if wide => {
            let (list, reader) = split_columns(others, others_list_cells(width));
            with_folders(list, Some(reader))
        }
        Seat::Beside | Seat::Below if read && focus != Pane::Folders => {
            let (list, reader) = split_columns(body, width * 2 / 5);
            Panes { folders: None, list: Some(list), reader: Some(reader) }
        }
        Seat::Beside | Seat::Below => with_folders(others, None),
    }
}

/// Columns of the list between the folders and the message.
fn others_list_cells(width: u16) -> u16 {
    (width - FOLDERS_CELLS) * 2 / 5
}

/// An area of so many columns, and what is left of it behind a border.
fn split_columns(area: Area, cells: u16) -> (Area, Area) {
    let x = area.x + cells + 1;
    let width = area.width.saturating_sub(cells + 1);
    (Area { width: cells, ..area }, Area { x, width, ..area })
}

/// A list above, with a title where there is room for it, and what is left below a rule.
fn split_rows(area: Area) -> (Area, Area) {
    let share = area.height * 2 / 5;
    let titled = 2 * TITLE_FROM_ROWS < area.height;
    let rows = if titled { share.max(TITLE_FROM_ROWS) } else { share };
    let (y, height) = (area.y + rows + 1, area.height.saturating_sub(rows + 1));
    (Area { height: rows, ..area }, Area { y, height, ..area })
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
    use super::{Pane, Reading, Seat, panes};

    #[test]
    fn as_many_panes_as_fit() {
        #[track_caller]
        fn check(width: u16, focus: Pane, reading: Reading, expected: [bool; 3]) {
            let panes = panes((width, 24), focus, reading, Seat::Beside);
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

    #[test]
    fn a_message_takes_the_seat_it_was_given() {
        #[track_caller]
        fn check(seat: Seat, size: (u16, u16), focus: Pane, expected: [Option<(u16, u16)>; 3]) {
            let panes = panes(size, focus, Reading::Open, seat);
            let areas = [panes.folders, panes.list, panes.reader];
            let sizes = areas.map(|area| area.map(|area| (area.width, area.height)));
            assert_eq!(sizes, expected, "{seat:?} {size:?} {focus:?}");
            let bottom = areas.iter().flatten().map(|area| area.y + area.height).max();
            assert_eq!(bottom, Some(size.1 - 1), "{seat:?} {size:?} {focus:?}");
        }
        let (below, whole) = (Seat::Below, Seat::Whole);
        check(below, (120, 40), Pane::Reader, [Some((26, 38)), Some((93, 16)), Some((93, 21))]);
        check(below, (80, 24), Pane::Reader, [None, Some((80, 8)), Some((80, 13))]);
        check(below, (80, 24), Pane::Folders, [Some((26, 22)), Some((53, 22)), None]);
        // Too low for one above the other.
        check(below, (120, 20), Pane::List, [Some((26, 18)), Some((37, 18)), Some((55, 18))]);
        check(whole, (120, 40), Pane::Reader, [None, None, Some((120, 38))]);
        check(whole, (120, 40), Pane::List, [Some((26, 38)), Some((93, 38)), None]);
        check(whole, (40, 12), Pane::Reader, [None, None, Some((40, 10))]);
    }
}
