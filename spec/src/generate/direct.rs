//! How an operation is sent that progenitor's client lacks (see [`crate::lower::is_lowered`]): step by step, by
//! `c1-api/src/direct.rs`.

use super::text::{literal, put};
use crate::model::{Operation, Parameter, Payload, Type};

/// The body of `send`. `body` is the expression of the request's body.
pub(super) fn direct(operation: &Operation, body: Option<String>) -> String {
    let mut out = String::new();
    put!(
        out,
        "        let request = crate::direct::Direct::new(self.client, Self::OPERATION)"
    );
    let field = |parameter: &Parameter| {
        let (name, ident) = (literal(&parameter.name), operation.member(parameter));
        (name, format!("&self.{ident}"))
    };
    for parameter in &operation.path_parameters {
        let (name, value) = field(parameter);
        put!(out, "            .path({name}, {value})");
    }
    for parameter in &operation.query_parameters {
        let (name, value) = field(parameter);
        match parameter.separator {
            Some(separator) if matches!(parameter.ty, Type::List(_)) => {
                put!(out, "            .joined({name}, {separator:?}, {value})");
            }
            _ => put!(out, "            .query({name}, {value})"),
        }
    }
    for parameter in &operation.header_parameters {
        let (name, value) = field(parameter);
        put!(out, "            .header({name}, {value})");
    }
    if let (Some(payload), Some(body)) = (&operation.body, body) {
        let media = literal(&payload.media);
        let step = if payload.json.is_some() {
            format!("json({media}, {body})")
        } else {
            format!("bytes({media}, {})", body.trim_start_matches('&'))
        };
        put!(out, "            .{step}");
    }
    // The line of `let` ends here.
    out.truncate(out.trim_end().len());
    put!(out, ";");
    let send = match &operation.response.payload {
        None => "send_for_nothing()".to_owned(),
        Some(Payload { media, json: None }) => format!("send_for_bytes({})", literal(media)),
        Some(Payload { media, .. }) => format!("send({})", literal(media)),
    };
    put!(out, "        Box::pin(request.{send})");
    out
}
