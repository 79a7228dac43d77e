//! Python as names, texts and marks (Python 3.11, Lexical analysis), as far as a reader of imports needs it.

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Name(String),
    /// What stands in quotes, as it is written.
    Text(String),
    /// Any other character.
    Mark(char),
    /// The end of a statement's line.
    End,
}

/// A token and its line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) line: u32,
}

struct Lexer<'t> {
    rest: std::str::Chars<'t>,
    line: u32,
    depth: u32,
    out: Vec<Token>,
}

/// Takes a script apart. Total: whatever is no Python comes out as marks.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lexer = Lexer { rest: text.chars(), line: 1, depth: 0, out: Vec::new() };
    while let Some(c) = lexer.next() {
        lexer.token(c);
    }
    lexer.out
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.line += u32::from(c == '\n');
        Some(c)
    }

    fn push(&mut self, kind: Kind, line: u32) {
        self.out.push(Token { kind, line });
    }

    fn token(&mut self, c: char) {
        let line = self.line;
        match c {
            '\n' => {
                // A line goes on within brackets.
                if self.depth == 0 {
                    self.push(Kind::End, line - 1);
                }
            }
            '#' => {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.next();
                }
            }
            '\\' => {
                if self.peek() == Some('\r') {
                    self.next();
                }
                if self.peek() == Some('\n') {
                    self.next();
                }
            }
            '"' | '\'' => self.text(c, line),
            c if c.is_alphabetic() || c == '_' => self.word(c, line),
            // Numbers are of no interest, but their letters are no names.
            c if c.is_ascii_digit() => {
                while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                    self.next();
                }
            }
            c if c.is_whitespace() => {}
            c => {
                match c {
                    '(' | '[' | '{' => self.depth += 1,
                    ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                self.push(Kind::Mark(c), line);
            }
        }
    }

    fn word(&mut self, first: char, line: u32) {
        let mut word = String::from(first);
        while let Some(c) = self.peek().filter(|c| c.is_alphanumeric() || *c == '_') {
            word.push(c);
            self.next();
        }
        let prefix = word.len() <= 2 && word.chars().all(|c| "rRbBuUfF".contains(c));
        match self.peek() {
            Some(quote @ ('"' | '\'')) if prefix => {
                self.next();
                self.text(quote, line);
            }
            _ => self.push(Kind::Name(word), line),
        }
    }

    /// A text whose first quote was taken. One in single quotes that is not closed ends with its line.
    fn text(&mut self, quote: char, line: u32) {
        let mut ahead = self.rest.clone();
        let triple = ahead.next() == Some(quote) && ahead.next() == Some(quote);
        if triple {
            self.rest = ahead;
        }
        let mut text = String::new();
        let mut quotes = 0;
        while let Some(c) = self.peek() {
            if c == '\n' && !triple {
                break;
            }
            self.next();
            if c == quote {
                quotes += 1;
                if !triple || quotes == 3 {
                    break;
                }
                continue;
            }
            (0..quotes).for_each(|_| text.push(quote));
            quotes = 0;
            text.push(c);
            // A backslash takes the next character along, in raw texts too.
            if c == '\\'
                && let Some(next) = self.next()
            {
                text.push(next);
            }
        }
        self.push(Kind::Text(text), line);
    }
}
