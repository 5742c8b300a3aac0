//! Routing: method and path to an operation.

use c1_api_spec::model::{Description, Operation};
use c1_api_spec::template::{Piece, pieces, shape};

use crate::check::Violation;
use crate::error::Error;
use crate::status::Status;
use crate::text::{self, Pairs};

/// The operations of a path template. Templates that differ only in parameter names share a node.
struct Node {
    pattern: String,
    /// Their places in the description.
    operations: Vec<usize>,
}

pub(crate) struct Router {
    paths: matchit::Router<usize>,
    /// Templates with parameters within a segment, which matchit knows in part, and their nodes.
    within: Vec<(String, usize)>,
    nodes: Vec<Node>,
}

impl Router {
    /// A router for all operations of the description.
    pub(crate) fn new(description: &Description) -> Result<Self, Error> {
        let mut router = Self {
            paths: matchit::Router::new(),
            within: Vec::new(),
            nodes: Vec::new(),
        };
        for (at, operation) in description.operations.iter().enumerate() {
            let pattern = shape(&operation.path);
            if let Some(node) = router.nodes.iter_mut().find(|node| node.pattern == pattern) {
                node.operations.push(at);
                continue;
            }
            if is_whole(&operation.path) {
                let place = router.nodes.len();
                let inserted = router.paths.insert(positional(&operation.path), place);
                inserted.map_err(|source| Error::Route {
                    template: operation.path.clone(),
                    source,
                })?;
            } else {
                let template = operation.path.clone();
                router.within.push((template, router.nodes.len()));
            }
            router.nodes.push(Node {
                pattern,
                operations: vec![at],
            });
        }
        Ok(router)
    }

    /// The operation of the description and its decoded path parameters in order.
    ///
    /// The path is split before it is decoded, so an encoded slash stays within its segment.
    pub(crate) fn find<'a>(
        &self,
        description: &'a Description,
        method: &str,
        path: &str,
    ) -> Result<(&'a Operation, Pairs), Status> {
        let (node, raw) = self.node(path).ok_or_else(Status::unknown_path)?;
        let operations = || {
            node.operations
                .iter()
                .map(|at| &description.operations[*at])
        };
        let operation = operations().find(|operation| operation.method.as_str() == method);
        let operation = operation.ok_or_else(|| {
            let methods: Vec<_> = operations()
                .map(|operation| operation.method.as_str())
                .collect();
            Status::method_not_allowed(&methods.join(", "))
        })?;
        let values = names(&operation.path).zip(raw).map(|(name, raw)| {
            let value = text::segment(raw);
            let value = value.ok_or_else(|| {
                Status::invalid(&Violation::new("percent-encoded UTF-8").within(name))
            })?;
            Ok((name.to_owned(), value))
        });
        Ok((operation, values.collect::<Result<_, Status>>()?))
    }

    /// The node of a path, and the raw values of its parameters. The more of a path a template says itself, the sooner it is
    /// taken: all of it, a part of a segment, none.
    fn node<'p>(&self, path: &'p str) -> Option<(&Node, Vec<&'p str>)> {
        let found = self.paths.at(path).ok();
        if found.as_ref().is_none_or(|found| !found.params.is_empty()) {
            for (template, place) in &self.within {
                let mut values = Vec::new();
                if matches(&pieces(template)?, path, &mut values) {
                    return Some((&self.nodes[*place], values));
                }
            }
        }
        let found = found?;
        let values = found.params.iter().map(|(_, value)| value).collect();
        Some((&self.nodes[*found.value], values))
    }
}

/// Whether a path consists of the pieces. A parameter is as short as it can be, and within a segment.
fn matches<'p>(pieces: &[Piece<'_>], path: &'p str, values: &mut Vec<&'p str>) -> bool {
    let Some((piece, rest)) = pieces.split_first() else {
        return path.is_empty();
    };
    match piece {
        Piece::Literal(text) => path
            .strip_prefix(text)
            .is_some_and(|path| matches(rest, path, values)),
        Piece::Parameter(_) => {
            let end = path.find('/').unwrap_or(path.len());
            let ends = path.char_indices().map(|(at, c)| at + c.len_utf8());
            ends.take_while(|at| *at <= end).any(|at| {
                values.push(&path[..at]);
                let found = matches(rest, &path[at..], values);
                if !found {
                    values.pop();
                }
                found
            })
        }
    }
}

/// Whether each parameter is a segment of its own.
fn is_whole(template: &str) -> bool {
    let mut segments = template.split('/');
    segments.all(|segment| {
        !segment.contains('{') || names(segment).any(|name| segment.len() == name.len() + 2)
    })
}

/// The parameter names of a template in order.
fn names(template: &str) -> impl Iterator<Item = &str> {
    let pieces = pieces(template).unwrap_or_default();
    pieces.into_iter().filter_map(|piece| match piece {
        Piece::Parameter(name) => Some(name),
        Piece::Literal(_) => None,
    })
}

/// The template with numbered parameters, because matchit requires one name for each position.
fn positional(template: &str) -> String {
    let segments = template.split('/').enumerate().map(|(at, segment)| {
        if segment.starts_with('{') {
            format!("{{p{at}}}")
        } else {
            segment.to_owned()
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

    use super::Router;
    use crate::testing::description;

    #[test]
    fn operations_are_found_and_segments_decoded() {
        let description = description();
        let router = Router::new(&description).unwrap();
        let find = |method, path| {
            let (operation, values) = router.find(&description, method, path).unwrap();
            let values: Vec<_> = values
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            (operation.id(), values.join(" "))
        };
        let found = |id: &str, values: &str| (id.to_owned(), values.to_owned());
        assert_eq!(find("GET", "/v1/things"), found("things.list", ""));
        assert_eq!(
            find("GET", "/v1/things/a%2Fb"),
            found("things.get", "id=a/b")
        );
        assert_eq!(
            find("DELETE", "/v1/things/%C3%A9%20"),
            found("things.delete", "thing_id=é ")
        );
        assert_eq!(
            find("GET", "/v1/things/special/parts/x"),
            found("things.part", "thing_id=special id=x")
        );
        assert_eq!(
            find("GET", "/v1/things/special/parts/all:now"),
            found("things.special", "")
        );
    }

    #[test]
    fn parameters_within_a_segment() {
        let mut description = description();
        let paths = [
            "/v1/things/{id}:verb",
            "/v1/things/{a}-{b}",
            "/v1/things/{id}.json",
        ];
        let sample = description.operations[2].clone();
        description.operations.extend(paths.map(|path| {
            let mut operation = sample.clone();
            path.clone_into(&mut operation.path);
            operation
        }));
        let router = Router::new(&description).unwrap();
        for (path, template, values) in [
            ("/v1/things/a%3Ab:verb", paths[0], vec!["a:b"]),
            ("/v1/things/a-b-c", paths[1], vec!["a", "b-c"]),
            ("/v1/things/a.b.json", paths[2], vec!["a.b"]),
            ("/v1/things/a", "/v1/things/{id}", vec!["a"]),
            ("/v1/things/:verb", "/v1/things/{id}", vec![":verb"]),
        ] {
            let (operation, found) = router.find(&description, "GET", path).unwrap();
            assert_eq!(operation.path, template, "{path}");
            let found: Vec<_> = found.iter().map(|(_, value)| value.as_str()).collect();
            assert_eq!(found, values, "{path}");
        }
        let status = router
            .find(&description, "GET", "/v1/things/a/b:verb")
            .unwrap_err();
        assert_eq!(status.http, StatusCode::NOT_FOUND);
    }

    #[test]
    fn unknown_paths_methods_and_invalid_bytes_are_rejected() {
        let description = description();
        let router = Router::new(&description).unwrap();
        let rejected = |method, path| router.find(&description, method, path).unwrap_err();
        for path in [
            "/",
            "/v1/thing",
            "/v1/things/",
            "/v1/things/a/parts/",
            "/v1/things/a/b",
        ] {
            assert_eq!(rejected("GET", path).http, StatusCode::NOT_FOUND, "{path}");
        }
        let wrong = rejected("PUT", "/v1/things/a");
        assert_eq!(wrong.http, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(wrong.header.unwrap().1, "GET, DELETE");
        assert_eq!(
            rejected("GET", "/v1/things/%ff").http,
            StatusCode::BAD_REQUEST
        );
    }
}
