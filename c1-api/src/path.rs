//! Keeps path parameters inside their own segment.
//!
//! C1 responds 200 with a list if the last segment of a "get" is empty or a dot segment, because the URL then names the
//! collection. So such ids are never sent. Operation builders [`check`] each parameter before the URL is built;
//! [`matches`] checks the finished URL of a call by progenitor's own methods, and [`join`] a path that the caller wrote.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::Url;

use crate::error::{Error, ErrorKind};

/// What stands for itself in a segment: the unreserved characters (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A value as one path segment. The raw client uses this in the place of progenitor's own, which leaves a backslash as it
/// is; the URL standard reads that as a slash (<https://url.spec.whatwg.org/#path-state>).
#[allow(dead_code, reason = "a build without features has no operations")]
pub(crate) fn encode(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}

/// Refuses a value that cannot be one path segment, naming the parameter and never the value.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for an empty value, `.`, `..`, and a value with a control character.
pub(crate) fn check(parameter: &str, value: &str) -> Result<(), Error> {
    match problem(value) {
        None => Ok(()),
        Some(problem) => Err(Error::new(
            ErrorKind::InvalidRequest,
            format!("the path parameter `{parameter}` {problem}"),
        )),
    }
}

/// Why a value cannot be one path segment.
fn problem(value: &str) -> Option<&'static str> {
    match value {
        "" => Some("is empty"),
        "." | ".." => Some("is a dot segment"),
        _ if value.contains(char::is_control) => Some("contains a control character"),
        _ => None,
    }
}

/// Whether `url` is what `template` becomes under the path `base` when each parameter fills exactly its own segment.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] if not; the message names the template's parameter, and never holds the URL.
pub(crate) fn matches(base: &str, url: &Url, template: &str) -> Result<(), Error> {
    let refuse = |problem: String| Err(Error::new(ErrorKind::InvalidRequest, problem));
    let mut actual = url
        .path()
        .strip_prefix(base.trim_end_matches('/'))
        .unwrap_or_default()
        .split('/');
    for wanted in template.split('/') {
        let Some(segment) = actual.next() else {
            return refuse(format!(
                "a path parameter does not stay within its segment of `{template}`"
            ));
        };
        let parameter = wanted
            .strip_prefix('{')
            .and_then(|wanted| wanted.strip_suffix('}'));
        match parameter {
            None if segment == wanted => {}
            None => {
                return refuse(format!(
                    "a path parameter does not stay within its segment of `{template}`"
                ));
            }
            Some(parameter) => {
                check(parameter, &percent_decode_str(segment).decode_utf8_lossy())?;
            }
        }
    }
    match actual.next() {
        None => Ok(()),
        Some(_) => refuse(format!(
            "a path parameter does not stay within its segment of `{template}`"
        )),
    }
}

/// The URL of a path that a caller wrote, with its query, under `base`.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] if the path does not begin with a slash, has an empty segment, a dot segment or a control
/// character, plain or percent-encoded, or a fragment.
pub(crate) fn join(base: &str, path_and_query: &str) -> Result<Url, Error> {
    let refuse = |problem| Err(Error::new(ErrorKind::InvalidRequest, problem));
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    let Some(segments) = path.strip_prefix('/') else {
        return refuse("the path must begin with `/`".to_owned());
    };
    if path_and_query.contains(['#', '\\']) {
        return refuse("the path must not have a fragment or a backslash".to_owned());
    }
    for (index, segment) in segments.split('/').enumerate() {
        if let Some(problem) = problem(&percent_decode_str(segment).decode_utf8_lossy()) {
            return refuse(format!("segment {} of the path {problem}", index + 1));
        }
    }
    // The parser drops spaces at the end, which would leave another path, or an empty segment.
    let path = path.replace(' ', "%20");
    let mut url = Url::parse(&format!("{base}{path}")).map_err(|error| {
        Error::new(ErrorKind::InvalidRequest, "the path is not valid in a URL").with_source(error)
    })?;
    url.set_query(query);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "/api/v1/apps/{app_id}/entitlements/{id}";

    /// As progenitor builds it.
    fn url(base: &str, app_id: &str, id: &str) -> Url {
        format!(
            "{base}/api/v1/apps/{}/entitlements/{}",
            encode(app_id),
            encode(id)
        )
        .parse()
        .unwrap()
    }

    #[test]
    fn ids_that_leave_their_segment_are_refused_by_name() {
        for (value, problem) in [
            ("", "is empty"),
            (".", "is a dot segment"),
            ("..", "is a dot segment"),
            ("canary\n", "contains a control character"),
            ("\0", "contains a control character"),
            ("\u{7f}", "contains a control character"),
            ("\u{85}", "contains a control character"),
        ] {
            let error = check("app_id", value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert_eq!(
                error.message(),
                format!("the path parameter `app_id` {problem}")
            );
        }
    }

    #[test]
    fn all_other_ids_arrive_as_one_segment() {
        for value in [
            "2B",
            "a/b",
            "é",
            "~me",
            "...",
            "a b",
            "?x#y",
            "%2e%2e",
            "%",
            "a:b;c=d,e&f",
            " ",
            "日本",
            "//",
            "../x",
            "x\\..\\z",
        ] {
            check("id", value).unwrap();
            let url = url("https://t.conductor.one", value, value);
            matches("", &url, TEMPLATE).unwrap();
            let segment = url.path_segments().unwrap().nth(3).unwrap();
            assert_eq!(percent_decode_str(segment).decode_utf8().unwrap(), value);
            assert_eq!((url.query(), url.fragment()), (None, None));
        }
    }

    #[test]
    fn the_finished_url_is_guarded_too() {
        for (app_id, id) in [
            ("", "x"),
            ("x", ""),
            ("..", "x"),
            ("x", ".."),
            (".", "x"),
            ("x", "."),
            ("x", "\u{1}"),
            ("\u{85}", "x"),
        ] {
            let error =
                matches("", &url("https://t.conductor.one", app_id, id), TEMPLATE).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{app_id:?} {id:?}");
        }
        let error = matches("", &url("https://t.conductor.one", "", "x"), TEMPLATE).unwrap_err();
        assert_eq!(error.message(), "the path parameter `app_id` is empty");
    }

    #[test]
    fn a_callers_own_path_is_appended_with_its_query() {
        for (path, url) in [
            ("/api/v1/apps", "https://h/base/api/v1/apps"),
            ("/a?b=c&d=%2F", "https://h/base/a?b=c&d=%2F"),
            ("/a/x%2Fy:z", "https://h/base/a/x%2Fy:z"),
            ("/a/x y ", "https://h/base/a/x%20y%20"),
            ("/a/ ?b=c ", "https://h/base/a/%20?b=c%20"),
        ] {
            assert_eq!(join("https://h/base", path).unwrap().as_str(), url);
        }
        for (path, problem) in [
            ("", "the path must begin with `/`"),
            ("api", "the path must begin with `/`"),
            ("//evil.example/x", "segment 1 of the path is empty"),
            ("/a/../b", "segment 2 of the path is a dot segment"),
            ("/a/%2e%2E", "segment 2 of the path is a dot segment"),
            ("/a/", "segment 2 of the path is empty"),
            ("/a\n", "segment 1 of the path contains a control character"),
            ("/a\\b", "the path must not have a fragment or a backslash"),
            ("/a#b", "the path must not have a fragment or a backslash"),
        ] {
            let error = join("https://h", path).unwrap_err();
            assert_eq!(
                (error.kind(), error.message()),
                (ErrorKind::InvalidRequest, problem)
            );
        }
    }

    #[test]
    fn the_base_path_is_not_part_of_the_template() {
        let below = url("https://h/base", "a", "b");
        for base in ["/base", "/base/"] {
            matches(base, &below, TEMPLATE).unwrap();
        }
        matches("/", &url("https://h", "a", "b"), TEMPLATE).unwrap();
        assert!(matches("/other", &below, TEMPLATE).is_err());
        assert!(matches("/bas", &below, TEMPLATE).is_err());
        assert!(matches("", &below, TEMPLATE).is_err());
        assert!(
            matches(
                "/base",
                &url("https://h/base", "a", "b/../../../../../../x"),
                TEMPLATE
            )
            .is_ok()
        );
        assert!(
            matches(
                "/base",
                &"https://h/base/api/v1/apps/a/entitlements/b/c"
                    .parse()
                    .unwrap(),
                TEMPLATE
            )
            .is_err()
        );
    }
}
