//! A report as plain text.

use std::io::{self, Write};

use super::report::Report;

/// The column behind which a line goes on in the next one.
const WIDTH: usize = 118;

pub(crate) fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (old, new) = (&report.old, &report.new);
    writeln!(
        out,
        "{} ({}) -> {} ({})",
        old.file, old.version, new.file, new.version
    )?;
    for line in report.summary() {
        out.write_all(filled("  ", "  ", &line).as_bytes())?;
    }
    for section in report.sections() {
        writeln!(out, "\n{}", section.title)?;
        for entry in section.entries {
            writeln!(out)?;
            out.write_all(filled("  ", "    ", &entry.title).as_bytes())?;
            for line in entry.lines {
                out.write_all(filled("    ", "      ", &line.text).as_bytes())?;
                for detail in line.details {
                    out.write_all(filled("      ! ", "          ", &detail).as_bytes())?;
                }
            }
        }
    }
    if report.changes.is_empty() {
        writeln!(out, "\nNothing changed.")?;
    } else if !report.breaks() {
        writeln!(out, "\nNothing breaks callers.")?;
    }
    Ok(())
}

/// Words as lines, with a first and a further indent.
fn filled(first: &str, further: &str, text: &str) -> String {
    let mut out = first.to_owned();
    let mut column = first.chars().count();
    let mut is_first = true;
    for word in text.split(' ') {
        let width = word.chars().count();
        if !is_first && column + 1 + width > WIDTH {
            out.push('\n');
            out.push_str(further);
            column = further.chars().count();
            is_first = true;
        }
        if !is_first {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
        is_first = false;
    }
    out.push('\n');
    out
}
