//! Where a description comes from: the files of this crate, or others that the environment names.
//!
//! Build scripts, tests and the emulator find it here, so that all of one build have the same.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, fmt, fs, io};

use crate::{DOCUMENT, Description, Error, OVERLAY, correct, load, read};

/// The variables that [`Source::from_env`] reads.
pub const VARIABLES: [&str; 2] = [SPEC_VARIABLE, OVERLAY_VARIABLE];

const SPEC_VARIABLE: &str = "C1_API_SPEC";
const OVERLAY_VARIABLE: &str = "C1_API_OVERLAY";

/// The documents to read a description from. By default it is the one of this crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    spec: Option<Input>,
    overlay: Option<Input>,
}

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Input {
    path: PathBuf,
    /// The variable that names it, if one does.
    variable: Option<&'static str>,
}

/// A description, and what to tell of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// What was read, with the overlays laid over it.
    pub description: Description,
    /// What was read, for messages: `C1_API_SPEC=/path/to/openapi.yaml`.
    pub name: String,
    /// One line each: what of the user's document is carried untyped or not at all, and which targets of the user's overlay
    /// select nothing.
    pub warnings: Vec<String>,
}

impl Source {
    /// The documents that `C1_API_SPEC` and `C1_API_OVERLAY` name. An empty value counts as none.
    pub fn from_env() -> Self {
        Self::from_vars(|variable| env::var_os(variable))
    }

    /// As [`from_env`](Self::from_env), with the variables read by `get`.
    pub fn from_vars(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let input = |variable| {
            let path = get(variable).filter(|value| !value.is_empty())?;
            Some(Input {
                path: path.into(),
                variable: Some(variable),
            })
        };
        Self {
            spec: input(SPEC_VARIABLE),
            overlay: input(OVERLAY_VARIABLE),
        }
    }

    /// Reads the description from this document, in the vendor's form or ours.
    #[must_use]
    pub fn spec(mut self, path: impl Into<PathBuf>) -> Self {
        self.spec = Some(Input::file(path));
        self
    }

    /// Lays this overlay over the description, after the one of this crate.
    #[must_use]
    pub fn overlay(mut self, path: impl Into<PathBuf>) -> Self {
        self.overlay = Some(Input::file(path));
        self
    }

    /// What a build script prints for cargo to run it again: a line for each variable and each file.
    pub fn directives(&self) -> impl Iterator<Item = String> {
        let files = [&self.spec, &self.overlay].into_iter().flatten();
        let files = files.map(|input| format!("cargo::rerun-if-changed={}", input.path.display()));
        VARIABLES
            .into_iter()
            .map(|variable| format!("cargo::rerun-if-env-changed={variable}"))
            .chain(files)
    }

    /// Reads the description.
    ///
    /// # Errors
    ///
    /// When a variable names a relative path, a file cannot be read, or is not what it should be. The error names the file.
    pub fn load(&self) -> Result<Loaded, SourceError> {
        let (mut name, document) = match &self.spec {
            None => (
                "the description of c1-api-spec".to_owned(),
                DOCUMENT.to_owned(),
            ),
            Some(input) => (input.to_string(), input.read()?),
        };
        let mut description = load(&document, OVERLAY).map_err(invalid(&name))?;
        let mut warnings = Vec::new();
        if self.spec.is_some() {
            // Of our own document, all notes are accepted.
            let notes = description.notes.iter();
            warnings.extend(notes.map(|note| format!("{name}: {note}")));
        }
        if let Some(overlay) = &self.overlay {
            let text = overlay.read()?;
            let (corrected, idle) =
                correct(&description, &text).map_err(invalid(&overlay.to_string()))?;
            let idle = idle
                .iter()
                .map(|target| format!("{overlay}: {target} selects nothing"));
            warnings.extend(idle);
            description = corrected;
            name = format!("{name} with {overlay}");
        }
        Ok(Loaded {
            description,
            name,
            warnings,
        })
    }
}

impl Input {
    fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            variable: None,
        }
    }

    fn read(&self) -> Result<String, SourceError> {
        let refused = |reason| SourceError {
            name: self.to_string(),
            reason,
        };
        // Of a variable, several programs read it, each where it runs.
        if self.variable.is_some() && self.path.is_relative() {
            return Err(refused(Reason::Relative));
        }
        let bytes = fs::read(&self.path).map_err(|error| refused(Reason::Unreadable(error)))?;
        read::decode(bytes).map_err(invalid(&self.to_string()))
    }
}

/// As whoever named the file did: with the variable or without.
impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(variable) = self.variable {
            write!(f, "{variable}=")?;
        }
        write!(f, "{}", self.path.display())
    }
}

/// A document could not be read, or is not what it should be.
///
/// It prints each problem of a document as a line of its own.
#[derive(Debug)]
pub struct SourceError {
    name: String,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Relative,
    Unreadable(io::Error),
    Invalid(Error),
}

fn invalid(name: &str) -> impl FnOnce(Error) -> SourceError {
    let name = name.to_owned();
    move |error| SourceError {
        name,
        reason: Reason::Invalid(error),
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, reason } = self;
        match reason {
            Reason::Relative => write!(
                f,
                "{name} is relative, and a build script does not run where cargo was called; set an absolute path"
            ),
            Reason::Unreadable(error) => write!(f, "{name}: {error}"),
            Reason::Invalid(error) => {
                for (index, problem) in error.problems().iter().enumerate() {
                    let line = if index > 0 { "\n" } else { "" };
                    write!(f, "{line}{name}: {problem}")?;
                }
                Ok(())
            }
        }
    }
}

/// The message is complete: it includes that of the cause.
impl std::error::Error for SourceError {}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};
    use std::{env, fs};

    use super::Source;

    const THING: &str = include_str!("../tests/thing.yaml");

    /// The variables, with these values.
    fn source(values: &[(&str, &Path)]) -> Source {
        let get = |variable: &str| {
            let value = values.iter().find(|(name, _)| *name == variable)?;
            Some(OsString::from(value.1))
        };
        Source::from_vars(get)
    }

    /// A file with this text, for one test.
    fn file(name: &str, text: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("c1-api-spec-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn refusal(source: &Source) -> String {
        source.load().unwrap_err().to_string()
    }

    #[test]
    fn without_variables_it_is_our_document() {
        let loaded = source(&[("C1_API_SPEC", Path::new(""))]).load().unwrap();
        assert_eq!(loaded.name, "the description of c1-api-spec");
        assert_eq!(
            loaded.description,
            crate::load(crate::DOCUMENT, crate::OVERLAY).unwrap()
        );
    }

    #[test]
    fn both_files_are_read_named_and_watched() {
        let spec = file("spec.yaml", THING);
        let overlay = "overlay: 1.0.0
info: {title: Ours, version: 1.0.0}
actions:
- target: $.info
  update: {version: 0.2.0}
- target: $.paths['/nowhere']
  update: {}
";
        let overlay = file("overlay.yaml", overlay);
        let named = source(&[("C1_API_SPEC", &spec), ("C1_API_OVERLAY", &overlay)]);
        let loaded = named.load().unwrap();
        assert_eq!(loaded.description.version, "0.2.0");
        assert_eq!(
            loaded.name,
            format!(
                "C1_API_SPEC={} with C1_API_OVERLAY={}",
                spec.display(),
                overlay.display()
            )
        );
        assert_eq!(
            loaded.warnings,
            [format!(
                "C1_API_OVERLAY={}: $.paths['/nowhere'] selects nothing",
                overlay.display()
            )]
        );
        assert_eq!(
            named.directives().collect::<Vec<_>>(),
            [
                "cargo::rerun-if-env-changed=C1_API_SPEC".to_owned(),
                "cargo::rerun-if-env-changed=C1_API_OVERLAY".to_owned(),
                format!("cargo::rerun-if-changed={}", spec.display()),
                format!("cargo::rerun-if-changed={}", overlay.display()),
            ]
        );
        // What is set wins over the variables, and is named as it is.
        let other = file("other.yaml", &THING.replace("0.1.0", "0.3.0"));
        let loaded = named.spec(&other).load().unwrap();
        assert!(loaded.name.starts_with(&other.display().to_string()));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let relative = source(&[("C1_API_SPEC", Path::new("openapi.yaml"))]);
        let message = refusal(&relative);
        assert!(
            message.starts_with("C1_API_SPEC=openapi.yaml is relative, and "),
            "{message}"
        );
        assert!(message.ends_with("set an absolute path"), "{message}");
        // A file that the caller names is where the caller is.
        let message = refusal(&Source::default().spec("absent.yaml"));
        assert!(message.starts_with("absent.yaml: "), "{message}");

        let broken = file("broken.yaml", "a: 'b");
        let message = refusal(&Source::default().overlay(&broken));
        assert_eq!(
            message,
            format!(
                "{}: #: found a quote that is not closed at line 1 column 4, expected a closing quote",
                broken.display()
            )
        );
    }

    #[test]
    fn every_problem_is_a_line_with_the_name_of_the_file() {
        let twice = THING.replace(
            "{type: string}\n",
            "{$ref: '#/a'}\n        other: {$ref: '#/b'}\n",
        );
        let path = file("twice.yaml", &twice);
        let message = refusal(&Source::default().spec(&path));
        assert_eq!(message.lines().count(), 2, "{message}");
        let name = path.display().to_string();
        assert!(
            message.lines().all(|line| line.starts_with(&name)),
            "{message}"
        );
    }
}
