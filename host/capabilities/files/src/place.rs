//! What is done with places.

use crate::tree::Place;

impl Place {
    /// The place of a name in this directory.
    pub(crate) fn child(&self, name: &str) -> Self {
        let mut names = self.0.clone();
        names.push(name.to_owned());
        Self(names)
    }

    /// The directory that holds this place; none for the root.
    pub(crate) fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, parents)| Self(parents.to_vec()))
    }

    /// Whether this place lies in that one, and is not it.
    pub(crate) fn is_inside(&self, other: &Self) -> bool {
        self.0.len() > other.0.len() && self.0.starts_with(&other.0)
    }

    /// Reads what [`Place`] writes, strictly: names joined by `/`, nothing else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let names: Vec<String> = text.split('/').map(str::to_owned).collect();
        let fine = |name: &String| !matches!(name.as_str(), "" | "." | "..") && !name.contains('\0');
        names.iter().all(fine).then_some(Self(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(names: &[&str]) -> Place {
        Place(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn places_lie_in_each_other() {
        let sub = place(&["a"]).child("b");
        assert_eq!(sub, place(&["a", "b"]));
        assert_eq!(sub.parent(), Some(place(&["a"])));
        assert_eq!(place(&[]).parent(), None);
        for (inner, outer, inside) in [
            (&["a", "b"][..], &["a"][..], true),
            (&["a"], &[], true),
            (&["a"], &["a"], false),
            (&["a"], &["a", "b"], false),
            (&["ab"], &["a"], false),
            (&["b", "c"], &["a"], false),
            (&[], &[], false),
        ] {
            assert_eq!(place(inner).is_inside(&place(outer)), inside, "{inner:?} in {outer:?}");
        }
    }

    #[test]
    fn texts_of_places_are_read_strictly() {
        assert_eq!(Place::parse("a/b c/..d"), Some(place(&["a", "b c", "..d"])));
        for odd in ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a\0b", "a/b\0"] {
            assert_eq!(Place::parse(odd), None, "{odd:?}");
        }
    }
}
