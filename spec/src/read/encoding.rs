//! The bytes of a file to text.

use crate::error::{Error, Result};

/// How files begin that are often mistaken for text, and what they are.
const NOT_TEXT: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "data compressed by gzip"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x28\xb5\x2f\xfd", "data compressed by zstd"),
    (b"BZh", "data compressed by bzip2"),
    (b"\xfd7zXZ\0", "data compressed by xz"),
    (b"%PDF-", "a PDF file"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
];

/// The text of a file.
///
/// # Errors
///
/// When the bytes are not UTF-8. The error says what they are, if that can be told, or the line.
pub fn decode(bytes: Vec<u8>) -> Result<String> {
    let known = NOT_TEXT
        .iter()
        .find(|(start, _)| bytes.starts_with(start))
        .map(|(_, name)| *name);
    // ASCII in UTF-16 without a byte order mark.
    let wide = || matches!(bytes[..], [0, other, ..] | [other, 0, ..] if other != 0);
    if let Some(name) = known.or_else(|| wide().then_some("text in UTF-16")) {
        return Err(Error::new("#", name, "text in UTF-8"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let lines = error.as_bytes()[..valid].split(|byte| *byte == b'\n');
        let found = format!("bytes that are not UTF-8 at line {}", lines.count());
        Error::new("#", found, "text in UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn text_is_kept() {
        let text = "\u{feff}a: größe\n";
        assert_eq!(decode(text.into()).unwrap(), text);
        assert_eq!(decode(Vec::new()).unwrap(), "");
    }

    #[test]
    fn what_is_no_text_is_named() {
        let utf16 = |mark: &[u8]| -> Vec<u8> {
            let units = "openapi: 3.1.0".encode_utf16().flat_map(u16::to_le_bytes);
            mark.iter().copied().chain(units).collect()
        };
        for (bytes, found) in [
            (b"\x1f\x8b\x08\0\0".to_vec(), "data compressed by gzip"),
            (b"PK\x03\x04rest".to_vec(), "a ZIP archive"),
            (utf16(b"\xff\xfe"), "text in UTF-16"),
            (utf16(b""), "text in UTF-16"),
            (
                b"a: 1\nb: \xe9\n".to_vec(),
                "bytes that are not UTF-8 at line 2",
            ),
            (
                b"\x7fELF\x02\x01\x01\xff".to_vec(),
                "bytes that are not UTF-8 at line 1",
            ),
        ] {
            let error = decode(bytes).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("#: found {found}, expected text in UTF-8")
            );
        }
    }
}
