//! The first look at an account: its newest messages and its folders, in as few round trips as can be
//! and without making the server look through a large folder.

use crate::model::folder::ListedFolder;
use crate::transport::RemoteHeaders;
use crate::transport::error::TransportError;
use crate::transport::imap::fetch::{Fetched, HEADER_ITEMS, newest_from};
use crate::transport::imap::fetching::{Rows, take};
use crate::transport::imap::opening::Listing;
use crate::transport::imap::source::{ImapSource, gone_is_fine};
use imap_proto::Response;

impl ImapSource {
    /// Headers in the highest UIDs, and every folder, in one round trip. Where counts would take a
    /// command for each folder they are left out.
    pub(in crate::transport::imap) async fn headers_and_list(
        &mut self,
        count: u32,
    ) -> Result<(Vec<RemoteHeaders>, Vec<ListedFolder>), TransportError> {
        let (Some(uid_next), 1..) = (self.open()?.uid_next, self.wire.exists) else {
            let headers = self.headers_at_the_top(count, HEADER_ITEMS).await?;
            return Ok((headers, self.list_with_what_comes().await?));
        };
        self.wire.news = false;
        let left_out = self.wire.left_out();
        let set = format!("{}:*", newest_from(uid_next, count));
        let fetch = self.wire.queue_command(&format!("UID FETCH {set} {HEADER_ITEMS}"));
        let list = self.wire.queue_command(self.count_source().command());
        self.wire.flush().await?;
        let (mut rows, mut listing) = (Rows::new(), Listing::default());
        let mut heard = |response: &Response<'_>| {
            take(response, &mut rows, Fetched::into_headers);
            listing.take(response);
        };
        let fetched = self.wire.finish(&fetch, &mut heard).await;
        let listed = self.wire.finish(&list, &mut heard).await;
        gone_is_fine(fetched)?;
        listed?;
        let headers = if left_out == self.wire.left_out() {
            self.seen_up_to(rows.last_key_value().map(|(uid, _headers)| *uid));
            rows.into_values().collect()
        } else {
            self.headers_at_the_top(count, HEADER_ITEMS).await?
        };
        Ok((headers, listing.with_roles()))
    }
}
