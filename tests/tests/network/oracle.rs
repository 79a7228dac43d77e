//! What a grant should mean, written down once more and as naively as can be: texts, lists, and no parser of vox.

/// A line of a grant, as it is written.
#[derive(Clone, Debug)]
pub struct Line {
    methods: Vec<String>,
    scheme: String,
    below: bool,
    host: String,
    port: u16,
    path: String,
}

impl Line {
    /// Reads a line whose form is known to be right.
    pub fn of(text: &str) -> Self {
        let (methods, url) = text.split_once(' ').unwrap_or(("", text));
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let port_at = place.rfind(':').filter(|at| !place[*at..].contains(']'));
        let (name, port) = place.split_at(port_at.unwrap_or(place.len()));
        let usual = if scheme == "https" { 443 } else { 80 };
        Self {
            methods: methods.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            scheme: scheme.to_owned(),
            below: name.starts_with("*."),
            host: name.trim_start_matches("*.").to_owned(),
            port: port.trim_start_matches(':').parse().unwrap_or(usual),
            path: if path == "/" { String::new() } else { path.to_owned() },
        }
    }

    fn is_for(&self, ask: &Ask) -> bool {
        let host = match self.below {
            true => ask.host.ends_with(&format!(".{}", self.host)),
            false => ask.host == self.host,
        };
        let method = self.methods.is_empty() || self.methods.iter().any(|word| word == ask.method);
        host && method && self.scheme == ask.scheme && self.port == ask.port
    }

    /// Whole segments, one by one.
    fn holds_path(&self, path: &str) -> bool {
        if self.path.is_empty() {
            return true;
        }
        let (mine, theirs): (Vec<&str>, Vec<&str>) = (self.path.split('/').collect(), path.split('/').collect());
        match mine.split_last() {
            Some((&"", inner)) => theirs.len() > inner.len() && theirs.starts_with(inner),
            _ => theirs.starts_with(&mine),
        }
    }
}

/// One request, in parts.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub method: &'a str,
    pub scheme: &'a str,
    pub host: &'a str,
    pub port: u16,
    pub path: &'a str,
    /// Whether every server reads the path in the same way.
    pub plain: bool,
    /// Whether the URL is in its one spelling.
    pub canonical: bool,
}

impl Ask<'_> {
    pub fn url(&self) -> String {
        format!("{}://{}:{}{}", self.scheme, self.host, self.port, self.path)
    }
}

/// A grant, as lists of texts.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub allow: Vec<String>,
    pub deny: Vec<String>,
    /// Places to which the one secret goes.
    pub secrets: Vec<String>,
}

impl Rules {
    /// Whether a request may go out.
    pub fn allows(&self, ask: &Ask) -> bool {
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(&ask.method);
        let denied = lines(&self.deny).any(|line| line.is_for(ask) && (!ask.plain || line.holds_path(ask.path)));
        let allowed = lines(&self.allow)
            .any(|line| line.is_for(ask) && (line.path.is_empty() || ask.plain && line.holds_path(ask.path)));
        known && ask.canonical && !denied && allowed
    }

    /// Whether the secret goes along with a request that may go out.
    pub fn adds_secret(&self, ask: &Ask) -> bool {
        let private = ask.scheme == "https" || ask.host.starts_with("127.") || ask.host == "[::1]";
        private
            && lines(&self.secrets)
                .any(|line| line.is_for(ask) && (line.path.is_empty() || ask.plain && line.holds_path(ask.path)))
    }
}

fn lines(texts: &[String]) -> impl Iterator<Item = Line> + '_ {
    texts.iter().map(|text| Line::of(text))
}
