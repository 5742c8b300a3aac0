//! `google.rpc.Status`: the body of an error response.

use serde_json::Value as Json;

use super::code::Code;
use crate::wire;

/// The longest message that is kept, in characters; a server may send a page.
const MAX_MESSAGE: usize = 2000;
/// The longest request id that is one, in bytes.
const MAX_REQUEST_ID: usize = 200;

/// A `google.rpc.Status`. Parts of an unexpected shape are ignored, so that the others are still reported.
#[derive(Default)]
pub(super) struct RpcStatus {
    pub(super) code: Option<Code>,
    /// Without control characters, and cut to a length for a log.
    pub(super) message: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) details: Vec<wire::Any>,
}

impl RpcStatus {
    pub(super) fn parse(body: &[u8]) -> Self {
        let Ok(Json::Object(mut status)) = wire::from_slice(body) else {
            return Self::default();
        };
        let code = status
            .get("code")
            .and_then(Json::as_i64)
            .and_then(|code| i32::try_from(code).ok());
        let details = match status.remove("details") {
            Some(Json::Array(details)) => details,
            _ => Vec::new(),
        };
        let message = status.get("message").and_then(Json::as_str);
        Self {
            request_id: message.and_then(request_id),
            code: code.filter(|code| *code != 0).map(Code::from),
            message: message.filter(|text| !text.is_empty()).map(printable),
            details: details
                .into_iter()
                .filter_map(|detail| {
                    if let Json::Object(detail) = detail {
                        Some(wire::Any(detail))
                    } else {
                        None
                    }
                })
                .collect(),
        }
    }
}

/// C1 puts it into the message, as `(request-id: X)`.
fn request_id(message: &str) -> Option<String> {
    let (_, rest) = message.rsplit_once("(request-id:")?;
    let (id, _) = rest.split_once(')')?;
    let id = id.trim();
    (!id.is_empty() && id.len() <= MAX_REQUEST_ID).then(|| printable(id))
}

fn printable(text: &str) -> String {
    let characters = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut printable: String = characters.take(MAX_MESSAGE).collect();
    if text.chars().nth(MAX_MESSAGE).is_some() {
        printable.push('…');
    }
    printable
}
