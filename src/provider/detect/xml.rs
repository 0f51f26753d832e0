//! A small tree of an XML document from anywhere, within limits.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Elements inside elements; autoconfig files have five.
const DEPTH_LIMIT: usize = 12;
/// Elements in all; the largest file of the ISPDB has some 200.
const ELEMENTS_LIMIT: usize = 4000;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Name without prefix.
    pub name: String,
    /// The attribute `type`; empty when there is none.
    pub kind: String,
    /// Text right inside it, without blanks at its ends.
    pub text: String,
    /// Elements right inside it.
    pub children: Vec<Self>,
}

/// Why a text is no usable document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum XmlError {
    /// Not XML, or cut off.
    #[error("it is not well-formed XML")]
    Malformed,
    /// A document type: it could define entities, which nobody needs here.
    #[error("it has a document type")]
    DocumentType,
    /// Beyond a limit.
    #[error("it is too large or too deep")]
    TooMuch,
}

impl Element {
    /// The elements of this name right inside it.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first element of this name right inside it; empty when there is none.
    pub fn text_of(&self, name: &str) -> &str {
        let found = self.children.iter().find(|child| child.name == name);
        found.map_or("", |child| child.text.trim())
    }
}

/// The outermost element of `text`.
pub(crate) fn read(text: &str) -> Result<Element, XmlError> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    // The document itself: its only child is the outermost element.
    let mut open = vec![Element::default()];
    let mut elements = 0_usize;
    loop {
        match reader.read_event().map_err(|_| XmlError::Malformed)? {
            Event::Start(start) => {
                elements += 1;
                if DEPTH_LIMIT < open.len() || ELEMENTS_LIMIT < elements {
                    return Err(XmlError::TooMuch);
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => {
                elements += 1;
                if ELEMENTS_LIMIT < elements {
                    return Err(XmlError::TooMuch);
                }
                add(&mut open, element(&start)?)?;
            }
            Event::End(_) => {
                let closed = open.pop().ok_or(XmlError::Malformed)?;
                add(&mut open, closed)?;
            }
            Event::Text(part) => append(&mut open, &part.xml10_content())?,
            Event::CData(part) => append(&mut open, &part.xml10_content())?,
            Event::GeneralRef(part) => {
                let character = part.resolve_char_ref().map_err(|_| XmlError::Malformed)?;
                match (character, quick_xml::escape::resolve_predefined_entity(&part)) {
                    (Some(character), _) => append(&mut open, character.encode_utf8(&mut [0; 4]))?,
                    (None, Some(known)) => append(&mut open, known)?,
                    (None, None) => return Err(XmlError::Malformed),
                }
            }
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    let document = open.pop().filter(|_document| open.is_empty()).ok_or(XmlError::Malformed)?;
    document.children.into_iter().next().ok_or(XmlError::Malformed)
}

fn element(start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let kind = start.try_get_attribute("type").map_err(|_| XmlError::Malformed)?;
    Ok(Element {
        name: start.local_name().into_inner().to_owned(),
        kind: kind.map(|attribute| attribute.value.trim().to_owned()).unwrap_or_default(),
        ..Element::default()
    })
}

fn add(open: &mut [Element], child: Element) -> Result<(), XmlError> {
    open.last_mut().ok_or(XmlError::Malformed)?.children.push(child);
    Ok(())
}

fn append(open: &mut [Element], text: &str) -> Result<(), XmlError> {
    open.last_mut().ok_or(XmlError::Malformed)?.text.push_str(text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::provider::detect::xml::{XmlError, read};
    use proptest::prelude::*;

    #[test]
    fn a_document_is_read_whole_or_refused() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, XmlError>) {
            let found = read(text);
            let found = found.as_ref().map(|root| root.text_of("b")).map_err(|error| *error);
            assert_eq!(found, expected, "{text:?}");
        }
        check("\u{feff}<?xml version='1.0'?><a><!-- x --><b> c </b><b>d</b></a>", Ok("c"));
        check("<x:a><x:b t='1'>c&amp;&#100;<![CDATA[<e>]]></x:b></x:a>", Ok("c&d<e>"));
        check("<a><b/></a>", Ok(""));
        check("<a>", Err(XmlError::Malformed));
        check("<a></b>", Err(XmlError::Malformed));
        check("</a>", Err(XmlError::Malformed));
        check("", Err(XmlError::Malformed));
        check("{\"a\": 1}", Err(XmlError::Malformed));
        check("<a>&nbsp;</a>", Err(XmlError::Malformed));
        check("<a>&#0;</a>", Err(XmlError::Malformed));
        let bomb =
            "<!DOCTYPE a [<!ENTITY x \"xxxxxxxxxx\"><!ENTITY y \"&x;&x;\">]><a><b>&y;</b></a>";
        check(bomb, Err(XmlError::DocumentType));
        check("<!DOCTYPE html><html></html>", Err(XmlError::DocumentType));
        check(&"<a>".repeat(100_000), Err(XmlError::TooMuch));
        check(&format!("<a>{}</a>", "<b/>".repeat(100_000)), Err(XmlError::TooMuch));
    }

    proptest! {
        #[test]
        fn any_text_ends_in_a_tree_or_an_error(
            text in proptest::collection::vec(
                prop_oneof![
                    Just("<a>".to_owned()), Just("</a>".to_owned()), Just("<b type=".to_owned()),
                    Just("'x'>".to_owned()), Just("</b>".to_owned()), Just("<![CDATA[".to_owned()),
                    Just("]]>".to_owned()), Just("&#x".to_owned()), Just("&lt;".to_owned()),
                    Just("<!DOCTYPE".to_owned()), Just("<?xml".to_owned()), Just("?>".to_owned()),
                    Just("<!--".to_owned()), Just("-->".to_owned()), any::<String>(),
                ],
                0..40,
            )
        ) {
            let _tree_or_error = read(&text.concat());
        }
    }
}
