//! `google.rpc.Status`: the body of an error response.

use serde_json::Value as Json;

use super::code::Code;
use crate::wire;

/// A `google.rpc.Status`. Parts of an unexpected shape are ignored, so that the others are still reported.
#[derive(Default)]
pub(super) struct RpcStatus {
    pub(super) code: Option<Code>,
    pub(super) message: Option<String>,
    pub(super) details: Vec<wire::Any>,
}

impl RpcStatus {
    pub(super) fn parse(body: &[u8]) -> Self {
        let Ok(Json::Object(mut status)) = serde_json::from_slice(body) else {
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
        Self {
            code: code.filter(|code| *code != 0).map(Code::from),
            message: status
                .get("message")
                .and_then(Json::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
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
