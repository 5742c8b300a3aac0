//! Percent-decoding of path segments, query strings and forms, as strict UTF-8; dates of headers.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;

/// Names and values in order.
pub(crate) type Pairs = Vec<(String, String)>;

/// Decodes a path segment; `None` if it is not UTF-8.
pub(crate) fn segment(raw: &str) -> Option<String> {
    Some(percent_decode_str(raw).decode_utf8().ok()?.into_owned())
}

/// Decodes a query string or form; `None` if a name or value is not UTF-8.
pub(crate) fn pairs(raw: &str) -> Option<Pairs> {
    let decode = |part: &str| segment(&part.replace('+', " "));
    raw.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

/// A date in the form of HTTP headers (RFC 9110, section 5.6.7), of a year up to 9999.
pub(crate) fn http_date(time: SystemTime) -> String {
    let date = DateTime::<Utc>::from(time);
    date.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::{pairs, segment};

    #[test]
    fn segments_keep_plus_signs_and_encoded_slashes() {
        assert_eq!(segment("a%2Fb+c%C3%A9").as_deref(), Some("a/b+cé"));
        assert_eq!(segment("%ff"), None);
    }

    #[test]
    fn pairs_keep_order_empty_values_and_repeats() {
        let expected = [("a", "1 2"), ("b", ""), ("a", "=&"), ("c", "")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs("a=1+2&b=&&a=%3D%26&c"), Some(expected.to_vec()));
        assert_eq!(pairs("a=%c3"), None);
    }
}
