//! A secret and the shapes in which it might leak.

use crate::world::USER;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::collections::{BTreeSet, HashMap};

/// How much of a secret already counts as seen, in characters. Tokens of one kind begin alike, and
/// even that beginning has no business anywhere.
const GLIMPSE_CHARS: usize = 8;

/// How much of a secret's end counts as seen, in bytes.
const END_BYTES: usize = 12;

/// Something secret and the shapes in which it might leak.
pub struct Canary {
    pub name: String,
    shapes: Vec<(&'static str, Vec<u8>)>,
}

impl Canary {
    pub fn new(name: &str, secret: &str) -> Self {
        let glimpse = |text: &str| text.as_bytes()[..text.len().min(GLIMPSE_CHARS)].to_vec();
        let quoted: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let before = format!("user={USER}\u{1}auth=Bearer ");
        let whole = STANDARD.encode(format!("{before}{secret}\u{1}\u{1}"));
        // The first character of base64 that holds nothing but the secret.
        let own = before.len().div_ceil(3) * 4;
        // RFC 4616, as IMAP and SMTP send a password.
        let before = format!("\0{USER}\0");
        let plain = STANDARD.encode(format!("{before}{secret}"));
        let own_plain = before.len().div_ceil(3) * 4;
        let hex: String = secret.bytes().take(GLIMPSE_CHARS).map(|b| format!("{b:02x}")).collect();
        let mut shapes = vec![
            ("hex", hex.into_bytes()),
            ("raw", glimpse(secret)),
            ("its end", secret.as_bytes()[secret.len().saturating_sub(END_BYTES)..].to_vec()),
            ("url-coded", glimpse(&quoted)),
            ("spaces as %20", glimpse(&quoted.replace('+', "%20"))),
            ("xoauth2", glimpse(&whole[own..])),
            ("plain", glimpse(&plain[own_plain..])),
        ];
        for shift in 0..3 {
            // In base64 of a longer text it may begin at any of three places.
            let longer = format!("{}{secret}", "x".repeat(shift));
            let own = shift.div_ceil(3) * 4;
            shapes.push(("base64", glimpse(&STANDARD.encode(&longer)[own..])));
            shapes.push(("base64url", glimpse(&URL_SAFE.encode(&longer)[own..])));
        }
        Self { name: name.to_owned(), shapes }
    }
}

/// Every shape of many secrets, looked for in one pass.
pub struct Cage<'a>(HashMap<&'a [u8], Vec<Shape<'a>>>);

/// Whose, which, and its bytes.
type Shape<'a> = (&'a Canary, &'static str, &'a [u8]);

impl<'a> Cage<'a> {
    pub fn new(canaries: &'a [Canary]) -> Self {
        let mut cage: HashMap<_, Vec<Shape>> = HashMap::new();
        for canary in canaries {
            for (shape, bytes) in &canary.shapes {
                let start = &bytes[..GLIMPSE_CHARS];
                cage.entry(start).or_default().push((canary, *shape, bytes.as_slice()));
            }
        }
        Self(cage)
    }

    /// Names and shapes of what stands in `bytes`.
    pub fn seen_in(&self, bytes: &[u8]) -> BTreeSet<(&'a str, &'static str)> {
        let mut seen = BTreeSet::new();
        for (at, window) in bytes.windows(GLIMPSE_CHARS).enumerate() {
            let here = self.0.get(window).into_iter().flatten();
            let whole = here.filter(|(_, _, shape)| bytes[at..].starts_with(shape));
            seen.extend(whole.map(|(canary, shape, _)| (canary.name.as_str(), *shape)));
        }
        seen
    }
}

#[test]
fn a_secret_that_leaks_would_be_found() {
    #[track_caller]
    fn check(leak: &str, found: bool) {
        let secret = "1.AXoA+secret/of=Ada, long enough";
        let canary = [Canary::new("token", secret)];
        let seen = Cage::new(&canary).seen_in(leak.as_bytes());
        assert_eq!(!seen.is_empty(), found, "{leak}: {seen:?}");
    }
    let secret = "1.AXoA+secret/of=Ada, long enough";
    check(&format!("token={secret}"), true);
    check("token=1.AXoA+secret/of...", true);
    check("token=1.AXoA%2Bsecret%2Fof%3DAda%2C+long", true);
    for before in ["", "a", "ab", "abc", "user"] {
        check(&STANDARD.encode(format!("{before}{secret}")), true);
    }
    let line = format!("user={USER}\u{1}auth=Bearer {secret}\u{1}\u{1}");
    check(&format!("AUTH XOAUTH2 {}", STANDARD.encode(line)), true);
    check(&format!("AUTH PLAIN {}", STANDARD.encode(format!("\0{USER}\0{secret}"))), true);
    check(&URL_SAFE.encode(format!("{{\"token\":\"{secret}\"}}")), true);
    check("312e41586f412b73", true);
    check("token=...=Ada, long enough", true);
    check("token=1.AXoA...", false);
    check(&STANDARD.encode(format!("user={USER}\u{1}auth=Bearer ")), false);
}
