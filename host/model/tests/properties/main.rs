//! Properties of the converters: whatever the type and whatever the value, what is written reads back.

mod hostile;
mod lookup;
mod random;
mod roundtrip;
mod schemas;
