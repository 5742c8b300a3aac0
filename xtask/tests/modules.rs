//! The modules of c1-api and c1-api-ext know each other in one direction only.
//!
//! Read from the tokens of the sources: a file knows another when its code, that of tests aside,
//! names it by a path. A name that a module re-exports counts for the module that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path as FilePath;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

type Outcome = Result<(), Box<dyn Error>>;
/// The path of a module or an item from the root of its crate, which is the empty path.
type Path = Vec<String>;

#[test]
fn c1_api_has_no_circles() -> Outcome {
    assert_eq!(circles(&sources("c1-api")?)?, [""; 0]);
    Ok(())
}

#[test]
fn only_builder_and_client_of_c1_api_ext_know_each_other() -> Outcome {
    assert_eq!(circles(&sources("c1-api-ext")?)?, ["builder client"]);
    Ok(())
}

#[test]
fn circles_are_found_in_every_way_to_name_a_module() -> Outcome {
    for (a, b, root) in [
        ("use crate::b::B;", "use crate::{x::y, a::{self, A}};", ""),
        ("fn f() { crate::b::g() }", "use super::a::f;", ""),
        ("impl super::b::B {}", "vec![crate::a::A]", ""),
        ("use crate::B;", "use crate::a::A;", "pub use crate::b::B;"),
        ("use crate::Bee;", "use crate::a;", "pub use b::B as Bee;"),
        (
            "use crate::b::*;",
            "mod inner { use super::super::a::A; }",
            "",
        ),
    ] {
        let root = format!("mod a; mod b; {root}");
        let found = circles(&files(&[("lib", &root), ("a", a), ("b", b)]))?;
        assert_eq!(found, ["a b"], "{a} {b}");
    }
    let nested = [
        ("lib", "mod a;"),
        ("a", "mod b; fn f() { b::g() }"),
        ("a/b", "use super::f;"),
    ];
    assert_eq!(circles(&files(&nested))?, ["a a/b"]);
    Ok(())
}

#[test]
fn tests_and_re_exports_are_no_circles() -> Outcome {
    let sources = files(&[
        (
            "lib",
            "mod a; mod b; #[cfg(test)] mod kit; pub use crate::a::A;",
        ),
        (
            "a",
            "//! Unlike [`crate::b`].\nuse crate::b::B; const TEXT: &str = \"crate::b\";",
        ),
        (
            "b",
            "#[cfg(test)] use crate::a::A; struct B { #[cfg(test)] a: crate::A, }
             #[cfg(test)] mod tests { use crate::a::A; }",
        ),
        ("kit", "use crate::a::A;"),
    ]);
    assert_eq!(circles(&sources)?, [""; 0]);
    Ok(())
}

/// Sources by file name, as `call/retry` is for `src/call/retry.rs`.
type Sources = BTreeMap<String, String>;

fn files(files: &[(&str, &str)]) -> Sources {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    files.iter().map(owned).collect()
}

fn sources(krate: &str) -> Result<Sources, Box<dyn Error>> {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(krate)
        .join("src");
    let mut found = Sources::new();
    let mut open = vec![root.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root)?.with_extension("");
                let name = name.to_string_lossy().replace('\\', "/");
                found.insert(name, fs::read_to_string(path)?);
            }
        }
    }
    Ok(found)
}

/// The groups of files that know each other, directly or not: a line each, sorted.
fn circles(sources: &Sources) -> Result<Vec<String>, Box<dyn Error>> {
    let mut krate = Crate::default();
    krate.read(sources, Path::new())?;
    let arrows = krate.arrows();
    let reach: BTreeMap<&Path, BTreeSet<&Path>> = arrows
        .keys()
        .map(|start| {
            let mut reached = BTreeSet::new();
            let mut open = vec![start];
            while let Some(module) = open.pop() {
                for next in arrows.get(module).into_iter().flatten() {
                    if reached.insert(next) {
                        open.push(next);
                    }
                }
            }
            (start, reached)
        })
        .collect();
    let knows = |one, other| {
        reach
            .get(one)
            .is_some_and(|reached| reached.contains(other))
    };
    let circles: BTreeSet<String> = reach
        .keys()
        .filter(|module| knows(**module, **module))
        .map(|module| {
            let others = reach
                .keys()
                .filter(|other| knows(*module, **other) && knows(**other, *module));
            let names: Vec<_> = others.map(|path| file(path)).collect();
            names.join(" ")
        })
        .collect();
    Ok(circles.into_iter().collect())
}

/// The file of a module.
fn file(module: &[String]) -> String {
    if module.is_empty() {
        "lib".to_owned()
    } else {
        module.join("/")
    }
}

/// What the sources of a crate say.
#[derive(Default)]
struct Crate {
    /// Every module that has a file.
    modules: BTreeSet<Path>,
    /// Where the names come from that a module imports.
    imports: BTreeMap<Path, Path>,
    /// A module and a path that its code names.
    uses: Vec<(Path, Path)>,
}

impl Crate {
    /// Reads a file, and those of its modules that are not only there for tests.
    fn read(&mut self, sources: &Sources, module: Path) -> Outcome {
        let name = file(&module);
        let text = sources
            .get(&name)
            .ok_or_else(|| format!("no file {name}.rs"))?;
        let tokens: TokenStream = text
            .parse()
            .map_err(|error| format!("{name}.rs: {error}"))?;
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut children = Vec::new();
        self.scan(&tokens, &module, &module, &mut children);
        self.modules.insert(module);
        children
            .into_iter()
            .try_for_each(|child| self.read(sources, child))
    }

    /// Collects what tokens name. `scope` is where they are: the module of the file, or one in it.
    fn scan(
        &mut self,
        tokens: &[TokenTree],
        module: &Path,
        scope: &Path,
        children: &mut Vec<Path>,
    ) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let Some(end) = skip_test(tokens, at) {
                at = end;
                continue;
            }
            let word = ident(token);
            match (word.as_deref(), tokens.get(at + 1), tokens.get(at + 2)) {
                (Some("mod"), Some(name), Some(TokenTree::Group(body))) => {
                    let mut inner = scope.clone();
                    inner.extend(ident(name));
                    let body: Vec<_> = body.stream().into_iter().collect();
                    self.scan(&body, module, &inner, children);
                    at += 3;
                }
                (Some("mod"), Some(name), _) => {
                    let mut child = scope.clone();
                    child.extend(ident(name));
                    children.push(child);
                    at += 2;
                }
                (Some("use"), ..) => {
                    let end = tokens[at..].iter().position(|token| is(token, ';'));
                    let end = end.map_or(tokens.len(), |length| at + length);
                    // A re-export names nothing that its own module needs.
                    let public =
                        at > 0 && (word_at(tokens, at - 1) == "pub" || visible(tokens, at));
                    let mut leaves = Vec::new();
                    tree(&tokens[at + 1..end], &Path::new(), &mut leaves);
                    for (path, name) in leaves {
                        let path = resolve(&path, scope, children);
                        let Some(path) = path else { continue };
                        if scope == module {
                            let mut import = scope.clone();
                            import.push(name);
                            self.imports.insert(import, path.clone());
                        }
                        if !public {
                            self.uses.push((module.clone(), path));
                        }
                    }
                    at = end;
                }
                (Some(_), Some(colon), _) if is(colon, ':') && !follows_path(tokens, at) => {
                    let mut path = Path::new();
                    path.extend(word);
                    at += 1;
                    while is_path_separator(tokens, at) {
                        let Some(next) = tokens.get(at + 2).and_then(ident) else {
                            break;
                        };
                        path.push(next);
                        at += 3;
                    }
                    if path.len() > 1
                        && let Some(path) = resolve(&path, scope, children)
                    {
                        self.uses.push((module.clone(), path));
                    }
                }
                _ => {
                    if let TokenTree::Group(group) = token {
                        let inner: Vec<_> = group.stream().into_iter().collect();
                        self.scan(&inner, module, scope, children);
                    }
                    at += 1;
                }
            }
        }
    }

    /// The arrows from file to file.
    fn arrows(&self) -> BTreeMap<Path, BTreeSet<Path>> {
        let mut arrows: BTreeMap<Path, BTreeSet<Path>> = BTreeMap::new();
        for (from, path) in &self.uses {
            let to = self.home(path, 8);
            if *from != to {
                arrows.entry(from.clone()).or_default().insert(to);
            }
        }
        arrows
    }

    /// The module that defines what a path names, through so many re-exports.
    fn home(&self, path: &Path, hops: usize) -> Path {
        let mut module = Path::new();
        for segment in path {
            let mut inner = module.clone();
            inner.push(segment.clone());
            if self.modules.contains(&inner) {
                module = inner;
            } else if let (Some(origin), true) = (self.imports.get(&inner), hops > 0) {
                return self.home(origin, hops - 1);
            } else {
                break;
            }
        }
        module
    }
}

fn ident(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        _ => None,
    }
}

fn is(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}

fn word_at(tokens: &[TokenTree], at: usize) -> String {
    tokens.get(at).and_then(ident).unwrap_or_default()
}

/// Whether a `use` at this place follows `pub(...)`.
fn visible(tokens: &[TokenTree], at: usize) -> bool {
    at > 1 && matches!(tokens[at - 1], TokenTree::Group(_)) && word_at(tokens, at - 2) == "pub"
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| is(token, ':'))
        && tokens.get(at + 1).is_some_and(|token| is(token, ':'))
}

/// Whether a word is a later segment of a path or a method's name.
fn follows_path(tokens: &[TokenTree], at: usize) -> bool {
    at > 0 && (is(&tokens[at - 1], '.') || (at > 1 && is_path_separator(tokens, at - 2)))
}

/// The end of an item, field or arm that is compiled for tests only, if one begins here.
fn skip_test(tokens: &[TokenTree], at: usize) -> Option<usize> {
    let (pound, TokenTree::Group(attribute)) = (tokens.get(at)?, tokens.get(at + 1)?) else {
        return None;
    };
    let text = attribute.stream().to_string().replace(' ', "");
    let for_tests = ["cfg(test)", "cfg(doctest)", "cfg(all(test,"];
    if !is(pound, '#') || !for_tests.iter().any(|start| text.starts_with(start)) {
        return None;
    }
    let mut end = at + 2;
    while tokens.get(end).is_some_and(|token| is(token, '#')) {
        end += 2;
    }
    let (mut item, mut import) = (false, false);
    while let Some(token) = tokens.get(end) {
        match ident(token).as_deref() {
            Some("use") => import = true,
            Some(
                "fn" | "mod" | "impl" | "struct" | "enum" | "trait" | "const" | "static" | "type",
            ) => {
                item = true;
            }
            _ => {}
        }
        end += 1;
        let body =
            matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if is(token, ';') || (body && !import) || (is(token, ',') && !item && !import) {
            break;
        }
    }
    Some(end)
}

/// The paths of a `use`, each with the name that it brings.
fn tree(tokens: &[TokenTree], prefix: &Path, leaves: &mut Vec<(Path, String)>) {
    let mut path = prefix.clone();
    let mut name = None;
    let mut at = 0;
    let mut done = false;
    while let Some(token) = tokens.get(at) {
        match (token, ident(token)) {
            (TokenTree::Group(group), _) => {
                let inner: Vec<_> = group.stream().into_iter().collect();
                for part in inner
                    .split(|token| is(token, ','))
                    .filter(|part| !part.is_empty())
                {
                    tree(part, &path, leaves);
                }
                done = true;
            }
            (_, Some(word)) if word == "as" => {
                name = tokens.get(at + 1).and_then(ident);
                at += 1;
            }
            // `a::{self}` is `a`.
            (_, Some(word)) if word == "self" && !path.is_empty() => {}
            (_, Some(word)) => path.push(word),
            _ => {}
        }
        at += 1;
    }
    if !done {
        let last = path.last().cloned().unwrap_or_default();
        leaves.push((path, name.unwrap_or(last)));
    }
}

/// A path from the root of the crate; `None` for one into another crate, or that is no path of a module.
fn resolve(path: &Path, scope: &Path, children: &[Path]) -> Option<Path> {
    let mut base = scope.clone();
    let mut rest = path.as_slice();
    match rest.first()?.as_str() {
        "crate" => {
            base.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|segment| segment == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        child => {
            let mut inner = base.clone();
            inner.push(child.to_owned());
            if !children.contains(&inner) {
                return None;
            }
        }
    }
    base.extend_from_slice(rest);
    Some(base)
}
