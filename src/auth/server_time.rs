//! What time the sign-in server thinks it is: a wrong clock here makes every token look too old or
//! too young.

use crate::auth::entra;
use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::model::account::OAuthApp;
use crate::stdx::clock::UnixSeconds;
use chrono::DateTime;
use http::header::DATE;

/// The Date header of the server's discovery document (OpenID Connect Discovery 1.0, section 4);
/// `None` when it sends none.
///
/// # Errors
/// [`AuthError::Unreachable`], [`AuthError::Untrusted`], [`AuthError::NotUnderstood`].
pub async fn ask(http: &HttpClient, app: &OAuthApp) -> Result<Option<UnixSeconds>, AuthError> {
    let answer = entra::discover(http, app).await?;
    let date = answer.headers().get(DATE).and_then(|value| value.to_str().ok());
    Ok(date.and_then(http_date))
}

/// `Fri, 20 Nov 2026 08:00:00 GMT` (RFC 9110, section 5.6.7) is an RFC 2822 date.
fn http_date(text: &str) -> Option<UnixSeconds> {
    DateTime::parse_from_rfc2822(text).ok().map(|date| UnixSeconds(date.timestamp()))
}

#[cfg(test)]
mod tests {
    use crate::auth::server_time::ask;
    use crate::auth::test_server::{Reply, TestServer, client};
    use crate::stdx::clock::UnixSeconds;

    #[tokio::test]
    async fn the_date_header_tells_the_time() {
        async fn check(header: &'static str, expected: Option<i64>) {
            let server = TestServer::start([Reply::Answer(200, header, "{}".to_owned())]).await;
            let told = ask(&client(), &server.app).await.unwrap();
            assert_eq!(told, expected.map(UnixSeconds), "{header:?}");
        }
        check("Date: Fri, 20 Nov 2026 08:00:00 GMT\r\n", Some(1_795_161_600)).await;
        check("Date: yesterday\r\n", None).await;
        check("", None).await;
    }
}
