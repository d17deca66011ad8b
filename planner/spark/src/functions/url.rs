//! Functions over URLs: what they are made of, and their escapes.

use arrow::array::ArrayRef;
use std::borrow::Cow;

use super::string::column::{row_of, simple, simple_nullable, strings, takes, text};
use super::{Call, Function, Group, KernelArgs, ScalarKernel, Want};
use crate::error::error;
use crate::types::SparkType;
use crate::{Result, Typed};

pub(super) const ROWS: &[Function] = &[
    row_of(
        Group::Url,
        "url_encode",
        "url_encode(str) - The text as `application/x-www-form-urlencoded`.",
        &[("SELECT url_encode('https://spark.apache.org')", "https%3A%2F%2Fspark.apache.org")],
        |call| {
            simple(
                call,
                &[Want::String],
                |args| {
                    let input = text(args, 0)?;
                    strings(args, |row| Ok(Some(encode(input.value(row)))))
                },
                SparkType::String,
            )
        },
    ),
    row_of(
        Group::Url,
        "url_decode",
        "url_decode(str) - The text that `application/x-www-form-urlencoded` stands for; an error where it is none.",
        &[("SELECT url_decode('https%3A%2F%2Fspark.apache.org')", "https://spark.apache.org")],
        |call| {
            simple_nullable(
                call,
                &[Want::String],
                |args| {
                    let input = text(args, 0)?;
                    strings(args, |row| {
                        let value = input.value(row);
                        decode(value).map(Some).ok_or_else(|| {
                            let message =
                                format!("`{value}` cannot be decoded: a % is followed by two hexadecimal digits; take `try_url_decode`");
                            error("CANNOT_DECODE_URL", message)
                        })
                    })
                },
                SparkType::String,
            )
        },
    ),
    row_of(
        Group::Url,
        "try_url_decode",
        "try_url_decode(str) - As `url_decode`, but null where it is an error.",
        &[("SELECT try_url_decode('https%3A%2F%2Fspark.apache.org')", "https://spark.apache.org"), ("SELECT try_url_decode('%x')", "NULL")],
        |call| {
            simple_nullable(
                call,
                &[Want::String],
                |args| {
                    let input = text(args, 0)?;
                    strings(args, |row| Ok(decode(input.value(row))))
                },
                SparkType::String,
            )
        },
    ),
    row_of(
        Group::Url,
        "parse_url",
        "parse_url(url, partToExtract[, key]) - A part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO; with a key \
         its value in the QUERY.",
        &[
            ("SELECT parse_url('http://spark.apache.org/path?query=1', 'HOST')", "spark.apache.org"),
            ("SELECT parse_url('http://spark.apache.org/path?query=1', 'QUERY')", "query=1"),
            ("SELECT parse_url('http://spark.apache.org/path?query=1', 'QUERY', 'query')", "1"),
        ],
        |call| parse_url(call, |args| parts(args, !args.settings.ansi)),
    ),
    row_of(
        Group::Url,
        "try_parse_url",
        "try_parse_url(url, partToExtract[, key]) - As `parse_url`, but null for a URL that is none.",
        &[
            ("SELECT try_parse_url('http://spark.apache.org/path?query=1', 'HOST')", "spark.apache.org"),
            ("SELECT try_parse_url('inva lid://spark.apache.org/path?query=1', 'QUERY')", "NULL"),
        ],
        |call| parse_url(call, |args| parts(args, true)),
    ),
];

/// Letters, digits and `.-*_` stay, a blank is `+`.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(b)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

/// `None` where a `%` is not followed by two hexadecimal digits. Bytes that are no UTF-8 become U+FFFD.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        out.push(match b {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            _ => b,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn parse_url(call: &mut Call<'_>, kernel: ScalarKernel) -> Result<Typed> {
    call.arity(2..=3)?;
    let mut args = Vec::with_capacity(3);
    for at in 0..call.len() {
        args.push(takes(call, at, SparkType::is_string, &SparkType::String, "\"STRING\"")?);
    }
    Ok(call.scalar(kernel, args, SparkType::String, true))
}

fn parts(args: &KernelArgs<'_>, lenient: bool) -> Result<ArrayRef> {
    let (urls, wanted) = (text(args, 0)?, text(args, 1)?);
    let keys = if args.arrays.len() > 2 { Some(text(args, 2)?) } else { None };
    strings(args, |row| {
        let wanted = wanted.value(row);
        if keys.is_some() && wanted != "QUERY" {
            return Ok(None);
        }
        let Some(uri) = Uri::parse(urls.value(row)) else {
            if lenient {
                return Ok(None);
            }
            let message = format!("`{}` is no URL: correct it, or take `try_parse_url`, which gives NULL", urls.value(row));
            return Err(error("INVALID_URL", message));
        };
        let part = match wanted {
            "HOST" => uri.host.map(Cow::Borrowed),
            "PATH" => uri.path.map(Cow::Borrowed),
            "QUERY" => uri.query.map(Cow::Borrowed),
            "REF" => uri.fragment.map(Cow::Borrowed),
            "PROTOCOL" => uri.scheme.map(Cow::Borrowed),
            "FILE" => match (uri.path, uri.query) {
                (path, Some(query)) => Some(Cow::Owned(format!("{}?{query}", path.unwrap_or("null")))),
                (path, None) => path.map(Cow::Borrowed),
            },
            "AUTHORITY" => uri.authority.map(Cow::Borrowed),
            "USERINFO" => uri.user.map(Cow::Borrowed),
            _ => None,
        };
        match (keys, part) {
            (Some(keys), Some(query)) => {
                let regex = super::regex::compile(&format!("(&|^){}=([^&]*)", keys.value(row)), args.settings)?;
                let found = regex.captures(&query).map_err(|_| super::regex::failed(&regex))?;
                Ok(found.and_then(|found| found.get(2)).map(|value| Cow::Owned(value.as_str().to_owned())))
            }
            (_, part) => Ok(part),
        }
    })
}

/// The parts of a URI, as `java.net.URI` sees them: escapes stay.
#[derive(Debug, Default, PartialEq)]
struct Uri<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    user: Option<&'a str>,
    host: Option<&'a str>,
    /// None for `mailto:` and its like.
    path: Option<&'a str>,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

const UNRESERVED: &str = "_-!.~'()*";

/// Whether all is made of letters, digits, the marks that always may stand, `more`, escapes, and letters of other scripts.
fn legal(text: &str, more: &str) -> bool {
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let fits = match c {
            '%' => rest.next().is_some_and(|c| c.is_ascii_hexdigit()) && rest.next().is_some_and(|c| c.is_ascii_hexdigit()),
            c if c.is_ascii() => c.is_ascii_alphanumeric() || UNRESERVED.contains(c) || more.contains(c),
            c => !c.is_control() && !c.is_whitespace(),
        };
        if !fits {
            return false;
        }
    }
    true
}

impl<'a> Uri<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        const ANY: &str = ";/?:@&=+$,[]";
        let mut uri = Self::default();
        if text.is_empty() {
            // Nothing is a URI without a scheme and with an empty path.
            return Some(Self { path: Some(""), ..uri });
        }
        let (before, fragment) = split_off(text, '#');
        uri.fragment = fragment;
        if fragment.is_some_and(|fragment| !legal(fragment, ANY)) {
            return None;
        }
        let mut rest = before;
        if let Some(at) = before.find([':', '/', '?'])
            && let (scheme, Some(behind)) = (before.get(..at)?, before.get(at..)?.strip_prefix(':'))
        {
            let mut letters = scheme.chars();
            let named = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
                && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
            if !named || behind.is_empty() {
                return None;
            }
            uri.scheme = Some(scheme);
            if !behind.starts_with('/') {
                return legal(behind, ANY).then_some(uri);
            }
            rest = behind;
        }
        let (hierarchy, query) = split_off(rest, '?');
        uri.query = query;
        if query.is_some_and(|query| !legal(query, ANY)) {
            return None;
        }
        let mut path = hierarchy;
        if let Some(behind) = hierarchy.strip_prefix("//") {
            let (authority, after) = behind.split_at_checked(behind.find('/').unwrap_or(behind.len()))?;
            if !authority.is_empty() {
                uri.authority(authority)?;
            } else if after.is_empty() && query.is_none() && fragment.is_none() {
                return None;
            }
            path = after;
        }
        uri.path = Some(path);
        legal(path, ":@&=+$,;/").then_some(uri)
    }

    /// `user@host:port`, or a name that is none but legal: then there is no host.
    fn authority(&mut self, authority: &'a str) -> Option<()> {
        self.authority = Some(authority);
        let (user, server) = match authority.split_once('@') {
            Some((user, server)) => (Some(user), server),
            None => (None, authority),
        };
        let host = match server.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((inner, port)) => {
                let address = inner.split('%').next().unwrap_or_default();
                let legal = address.parse::<std::net::Ipv6Addr>().is_ok() && is_port(port);
                legal.then(|| server.get(..inner.len() + 2)).flatten()
            }
            None => {
                let (host, port) = server.split_at_checked(server.find(':').unwrap_or(server.len()))?;
                (is_host(host) && is_port(port)).then_some(host)
            }
        };
        let user_legal = user.is_none_or(|user| legal(user, ";:&=+$,"));
        match host {
            Some(host) if user_legal => {
                self.user = user;
                self.host = Some(host);
                Some(())
            }
            _ => legal(authority, "$,;:@&=+").then_some(()),
        }
    }
}

fn split_off(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, behind)) => (before, Some(behind)),
        None => (text, None),
    }
}

fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()) && (port.is_empty() || port.parse::<i32>().is_ok()))
}

/// An address of four numbers, or labels of letters, digits and hyphens, of which the last begins with a letter.
fn is_host(text: &str) -> bool {
    let numbers: Vec<&str> = text.split('.').collect();
    if numbers.len() == 4 && numbers.iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) && n.parse::<u8>().is_ok()) {
        return true;
    }
    let labels = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    labels.split('.').all(label) && labels.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(encode("a b/ä*"), "a+b%2F%C3%A4*");
        for (text, wanted) in [("a+b%2F%C3%A4", Some("a b/ä")), ("%x", None), ("%4", None), ("100%", None)] {
            assert_eq!(decode(text).as_deref(), wanted);
        }
    }

    #[test]
    fn parts_of_uris() {
        for (text, wanted) in [
            (
                "http://userinfo@spark.apache.org:80/path?query=1#Ref",
                Some([
                    Some("http"),
                    Some("userinfo@spark.apache.org:80"),
                    Some("userinfo"),
                    Some("spark.apache.org"),
                    Some("/path"),
                    Some("query=1"),
                    Some("Ref"),
                ]),
            ),
            ("mailto:a@b.c", Some([Some("mailto"), None, None, None, None, None, None])),
            ("http://under_score/x", Some([Some("http"), Some("under_score"), None, None, Some("/x"), None, None])),
            ("a/b", Some([None, None, None, None, Some("a/b"), None, None])),
            ("http://[::1]:8/", Some([Some("http"), Some("[::1]:8"), None, Some("[::1]"), Some("/"), None, None])),
            ("http://a?b", Some([Some("http"), Some("a"), None, Some("a"), Some(""), Some("b"), None])),
            ("inva lid://spark.apache.org/path", None),
            ("http://a b", None),
            ("http:", None),
            ("http://", None),
            (":x", None),
        ] {
            let made = Uri::parse(text).map(|u| [u.scheme, u.authority, u.user, u.host, u.path, u.query, u.fragment]);
            assert_eq!(made, wanted, "{text}");
        }
    }
}
