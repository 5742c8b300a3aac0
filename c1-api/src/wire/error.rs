//! Errors of the codec: the place, and what was expected there.

use std::fmt;

use serde::de::{self, Expected};

/// A value could not be read: what was expected instead, a text of this crate's.
///
/// Where it was is added on the way out, by `Feed` of `input`. An error of the deserializer stays with the `Input`
/// meanwhile, so that nothing of it gets lost.
#[derive(Clone, Copy, Debug)]
pub struct Fault(pub(crate) &'static str);

impl Fault {
    #[cold]
    pub(super) fn into_error<E: de::Error>(self) -> E {
        expected(&self.0)
    }
}

/// The error for JSON of another kind than was wanted. It names what was expected and keeps quiet about the rest.
#[cold]
pub(super) fn expected<E: de::Error>(what: &dyn Expected) -> E {
    E::custom(format_args!("expected {what}"))
}

/// Puts one more step in front of the path that an error already has.
///
/// The error travels as text, for that is all that serde lets through; `serde_json` takes the ` at line L column C` at the
/// end of such a text for the error's position again.
#[cold]
pub(super) fn at<E: de::Error>(step: &dyn fmt::Display, error: &E) -> E {
    let inner = error.to_string();
    let has_path = inner
        .split_once(": ")
        .is_some_and(|(path, _)| !path.contains(' '));
    let joint = match has_path {
        false => ": ",
        true if inner.starts_with('[') => "",
        true => ".",
    };
    E::custom(format_args!("{step}{joint}{inner}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_grow_from_the_inside_out() {
        type E = serde::de::value::Error;
        let error: E = expected(&"a list");
        let error = at(&"id", &error);
        let error = at(&"[3]", &error);
        let error = at(&"[1]", &error);
        assert_eq!(
            at(&"list", &error).to_string(),
            "list[1][3].id: expected a list"
        );
    }
}
