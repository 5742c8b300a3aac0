//! Path templates (OpenAPI 3.1, "Path Templating"): literal text and parameters in braces, within a segment as well.

/// A piece of a path template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text that stands in the path as it is.
    Literal(&'a str),
    /// The name of a parameter.
    Parameter(&'a str),
}

/// The pieces of a template in order; `None` where braces do not pair or hold no name.
pub fn pieces(template: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((literal, more)) = rest.split_once('{') {
        let (name, more) = more.split_once('}')?;
        if literal.contains('}') || name.is_empty() || name.contains(['{', '/']) {
            return None;
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        pieces.push(Piece::Parameter(name));
        rest = more;
    }
    if rest.contains('}') {
        return None;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    Some(pieces)
}

/// The template without the names of its parameters: two that give the same match the same paths.
pub fn shape(template: &str) -> String {
    let pieces = pieces(template).unwrap_or_default();
    let pieces = pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => text,
        Piece::Parameter(_) => "{}",
    });
    pieces.collect()
}

#[cfg(test)]
mod tests {
    use super::Piece::{Literal, Parameter};
    use super::{pieces, shape};

    #[test]
    fn a_segment_can_hold_several_pieces() {
        let expected = [
            Literal("/a/"),
            Parameter("b"),
            Literal("-"),
            Parameter("c"),
            Literal(":now"),
        ];
        assert_eq!(pieces("/a/{b}-{c}:now").unwrap(), expected);
        assert_eq!(shape("/a/{b}-{c}:now"), "/a/{}-{}:now");
        assert_eq!(pieces("").unwrap(), []);
    }

    #[test]
    fn braces_that_do_not_pair_are_no_template() {
        for template in ["/{a", "/a}", "/{}", "/{a/b}", "/{{a}}", "/}{"] {
            assert_eq!(pieces(template), None, "{template}");
        }
    }
}
