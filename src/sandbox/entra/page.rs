//! The page where a person types the code: what a browser shows, without scripts.

use crate::sandbox::entra::Form;
use crate::sandbox::entra::authorize::Request;
use crate::sandbox::entra::refusal::Refusal;
use crate::sandbox::people::{OWNER, PEOPLE, Person, person};
use crate::sandbox::tokens::Decision;
use crate::sandbox::world::World;

/// Frame of every page; `{body}` is replaced.
const FRAME: &str = include_str!("page.html");
/// The form; `{code}` and `{people}` are replaced.
const FORM: &str = include_str!("form.html");
/// The form of a sign-in that began in the browser; `{request}`, `{people}` and `{wishes}` are
/// replaced.
const AUTHORIZE: &str = include_str!("authorize.html");

fn framed(body: &str) -> String {
    FRAME.replace("{body}", body)
}

fn notice(text: &str) -> String {
    framed(&format!("<p>{text}</p>"))
}

/// Asks for the code; `code` is filled in where the address carried one.
pub fn ask(code: Option<&String>) -> String {
    let code = escape(code.map(String::as_str).unwrap_or_default());
    framed(&FORM.replace("{people}", &people("")).replace("{code}", &code))
}

/// Asks who signs in. `query` comes back with the decision.
pub fn authorize(request: &Request, query: &str) -> String {
    let form = AUTHORIZE.replace("{people}", &people(&request.login_hint));
    let form = form.replace("{wishes}", request.wishes());
    framed(&form.replace("{request}", &escape(query)))
}

/// What a person did on a page: `None` when they pressed nothing that is known.
pub fn decision(form: &Form) -> Option<Decision> {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    match (field("decision"), person(field("user"))) {
        ("approve", Some(person)) => Some(Decision::Approved(person)),
        ("decline", _) => Some(Decision::Declined),
        _ => None,
    }
}

/// Everybody to choose from, the expected one or else the first chosen.
fn people(expected: &str) -> String {
    let chosen = person(expected).unwrap_or(OWNER);
    let line = |person: &Person| {
        let checked = if *person == chosen { " checked" } else { "" };
        let address = person.address;
        format!(
            "<label><input type=\"radio\" name=\"user\" value=\"{address}\"{checked}> {address}</label>\n"
        )
    };
    PEOPLE.iter().map(line).collect()
}

/// Says what is wrong with a request.
pub fn refused(refusal: &Refusal) -> String {
    notice(&escape(&refusal.to_string()))
}

/// For a decision that is none.
pub fn undecided() -> String {
    notice("Choose who you are, and whether you agree.")
}

/// Does what the person decided, and says so.
pub fn decide(world: &World, form: &Form) -> String {
    let Some(decision) = decision(form) else {
        return undecided();
    };
    let code = form.get("code").map(String::as_str).unwrap_or_default();
    match world.decide(Some(code), decision) {
        Some(()) if decision == Decision::Declined => {
            notice("You declined. Posthaste gets nothing. You may close this window.")
        }
        Some(()) => notice("You have signed in to Posthaste. You may now close this window."),
        None => notice("That code is not known, was used, or has run out."),
    }
}

/// For a path nobody knows.
pub fn not_found() -> String {
    notice("There is nothing here.")
}

/// For a form beyond all measure.
pub fn too_long() -> String {
    notice("That is too long.")
}

/// What a front end says while the service behind it is away.
pub fn unavailable() -> String {
    notice("Our services aren't available right now.")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use crate::sandbox::entra::page::ask;

    #[test]
    fn a_code_from_the_address_cannot_break_out_of_its_field() {
        let page = ask(Some(&"\"><script>".to_owned()));
        assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;\""), "{page}");
        assert!(!page.contains("<script>"));
    }
}
