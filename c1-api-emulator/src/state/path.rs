//! Path templates as the conventions see them: collections, items in them, and verbs.

use super::names::singular;

/// What may follow the path of a collection or item and is not part of it.
const VERBS: [&str; 6] = ["create", "delete", "get", "list", "search", "update"];

/// A path template, without prefix, version and verb.
#[derive(Clone, Debug)]
pub(super) struct Path {
    segments: Vec<Segment>,
    /// The verb behind it: `update` in `/rules/{id}/update`.
    pub(super) verb: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Segment {
    Literal(String),
    Parameter(String),
}

impl Path {
    pub(super) fn new(template: &str) -> Self {
        let mut segments: Vec<_> = template
            .split('/')
            .filter(|segment| !segment.is_empty() && !is_prefix(segment))
            .map(|segment| {
                let parameter = segment
                    .strip_prefix('{')
                    .and_then(|name| name.strip_suffix('}'));
                parameter.map_or_else(
                    || Segment::Literal(segment.to_owned()),
                    |name| Segment::Parameter(name.to_owned()),
                )
            })
            .collect();
        let verb = match segments.as_slice() {
            [_, .., Segment::Literal(last)] if VERBS.contains(&last.as_str()) => Some(last.clone()),
            [_, .., Segment::Literal(last)] if last.starts_with("by_") => Some("get".to_owned()),
            _ => None,
        };
        if verb.is_some() {
            segments.pop();
        }
        Self { segments, verb }
    }

    /// The path without the names of parameters and the plurals, in which the paths of one object may
    /// differ: `app/{}/entitlement`.
    pub(super) fn template(&self) -> String {
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Literal(literal) => singular(literal),
            Segment::Parameter(_) => "{}".to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    }

    /// The last literal.
    pub(super) fn name(&self) -> Option<&str> {
        let mut literals = self.segments.iter().rev();
        literals.find_map(|segment| match segment {
            Segment::Literal(literal) => Some(literal.as_str()),
            Segment::Parameter(_) => None,
        })
    }

    /// Whether it ends with a parameter, as the path of an item does.
    pub(super) fn is_item(&self) -> bool {
        matches!(self.segments.last(), Some(Segment::Parameter(_)))
    }

    /// The path of the collection of an item, with its own parameters left in.
    pub(super) fn collection(&self) -> Self {
        let segments = &self.segments[..self.segments.len().saturating_sub(1)];
        Self {
            segments: segments.to_vec(),
            verb: None,
        }
    }

    /// The paths of the items that the path leads through, the shortest first.
    pub(super) fn parents(&self) -> Vec<Self> {
        let ends = 1..self.segments.len();
        let prefixes = ends.map(|end| Self {
            segments: self.segments[..end].to_vec(),
            verb: None,
        });
        prefixes.filter(Self::is_item).collect()
    }

    /// The parameters in order, each with the literal in front of it.
    pub(super) fn parameters(&self) -> Vec<(&str, &str)> {
        let mut literal = "";
        let mut parameters = Vec::new();
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => literal = text,
                Segment::Parameter(name) => parameters.push((literal, name.as_str())),
            }
        }
        parameters
    }
}

/// Whether the segment is `api` or a version, which the paths of one object may differ in.
fn is_prefix(segment: &str) -> bool {
    let version = segment.strip_prefix('v');
    segment == "api" || version.is_some_and(|digits| digits.parse::<u8>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn verbs_and_versions_are_set_apart() {
        let path = Path::new("/api/v1/apps/{app_id}/rules/{id}/update");
        assert_eq!(path.template(), "app/{}/rule/{}");
        assert_eq!(path.verb.as_deref(), Some("update"));
        assert!(path.is_item());
        assert_eq!(path.collection().template(), "app/{}/rule");
        assert_eq!(path.parameters(), [("apps", "app_id"), ("rules", "id")]);
        let parents: Vec<_> = path.parents().iter().map(Path::template).collect();
        assert_eq!(parents, ["app/{}"]);
        let search = Path::new("/api/v2/search/apps");
        assert_eq!(
            (search.template(), search.verb),
            ("search/app".to_owned(), None)
        );
    }
}
