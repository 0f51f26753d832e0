//! todo

use crate::app::App;
use ratatui::Frame;

/// todo
pub fn render(_app: &App, _frame: &mut Frame<'_>) {
    todo!()
}
