//! Routing: method and path to an operation.

use c1_api_spec::model::{Description, Operation};

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
    nodes: Vec<Node>,
}

impl Router {
    /// A router for all operations of the description.
    pub(crate) fn new(description: &Description) -> Result<Self, Error> {
        let mut router = Self {
            paths: matchit::Router::new(),
            nodes: Vec::new(),
        };
        for (at, operation) in description.operations.iter().enumerate() {
            let pattern = positional(&operation.path);
            if let Some(node) = router.nodes.iter_mut().find(|node| node.pattern == pattern) {
                node.operations.push(at);
                continue;
            }
            let inserted = router.paths.insert(pattern.as_str(), router.nodes.len());
            inserted.map_err(|source| Error::Route {
                template: operation.path.clone(),
                source,
            })?;
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
        let found = self.paths.at(path).map_err(|_| Status::unknown_path())?;
        let node = &self.nodes[*found.value];
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
        let values = names(&operation.path)
            .zip(found.params.iter())
            .map(|(name, (_, raw))| {
                let value = text::segment(raw);
                let value = value.ok_or_else(|| {
                    Status::invalid(&Violation::new("percent-encoded UTF-8").within(name))
                })?;
                Ok((name.to_owned(), value))
            });
        Ok((operation, values.collect::<Result<_, Status>>()?))
    }
}

/// The parameter names of a template in order.
fn names(template: &str) -> impl Iterator<Item = &str> {
    template
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
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
