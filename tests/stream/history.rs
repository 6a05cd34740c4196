//! The same stream as history: `duly import mbox`.
