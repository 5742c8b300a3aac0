//! A report as Markdown, for a pull request.

use std::io::{self, Write};

use super::report::Report;

pub(crate) fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (old, new) = (&report.old, &report.new);
    writeln!(out, "# What changes for users of c1-api\n")?;
    writeln!(
        out,
        "From {} ({}) to {} ({}).\n",
        escaped(&old.file),
        escaped(&old.version),
        escaped(&new.file),
        escaped(&new.version)
    )?;
    for line in report.summary() {
        writeln!(out, "- {}", escaped(&line))?;
    }
    for section in report.sections() {
        writeln!(out, "\n## {}", escaped(section.title))?;
        for entry in section.entries {
            writeln!(out, "\n### {}\n", escaped(&entry.title))?;
            for line in entry.lines {
                writeln!(out, "- {}", escaped(&line.text))?;
                for detail in line.details {
                    // A code span takes the text as it is; no name of Rust holds a backquote.
                    writeln!(out, "  - `{detail}`")?;
                }
            }
        }
    }
    if report.changes.is_empty() {
        writeln!(out, "\nNothing changed.")?;
    }
    Ok(())
}

/// Text in which nothing is taken for markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '<' | '[' | ']' | '#' | '|' | '~'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
