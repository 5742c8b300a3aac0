//! Faults of pages, and the page tokens that belong to them.
//!
//! An empty page must not lose the items that it should have had. So its token is that of the request with a `~` in front,
//! which no other token has, and which is taken off again when it comes back.

use c1_api_spec::model::{Operation, PageToken};
use serde_json::{Value, json};

use super::effects::Page;

/// What a token has in front of it for each empty page.
const AGAIN: char = '~';

/// Whether the operation takes a page token.
pub(super) fn has_token(operation: &Operation) -> bool {
    let page = operation.page.as_ref();
    page.is_some_and(|page| page.token != PageToken::Nowhere)
}

/// Takes the mark of an empty page off the page token of a request, and returns the token as it was sent.
pub(crate) fn take_token(
    operation: &Operation,
    query: &mut [(String, String)],
    body: Option<&mut Value>,
) -> String {
    let mut sent = String::new();
    let mut take = |token: &mut String| {
        sent.clone_from(token);
        *token = token.trim_start_matches(AGAIN).to_owned();
    };
    match operation.page.as_ref().map(|page| page.token) {
        Some(PageToken::Query) => {
            let mut tokens = query.iter_mut().filter(|(name, _)| name == "page_token");
            if let Some((_, token)) = tokens.next() {
                take(token);
            }
        }
        Some(PageToken::Body) => {
            if let Some(Value::String(token)) = body.and_then(|body| body.get_mut("pageToken")) {
                take(token);
            }
        }
        Some(PageToken::Nowhere) | None => {}
    }
    sent
}

/// Changes a page. `token` is that of the request, as it was sent.
pub(super) fn change(operation: &Operation, fault: Page, token: &str, response: &mut Value) {
    let (Some(page), Some(response)) = (&operation.page, response.as_object_mut()) else {
        return;
    };
    let next = match fault {
        Page::Repeat if !token.is_empty() => token.to_owned(),
        Page::Repeat | Page::Empty => format!("{AGAIN}{token}"),
    };
    if fault == Page::Empty {
        response.insert(page.items.clone(), json!([]));
    }
    response.insert("nextPageToken".to_owned(), json!(next));
}
