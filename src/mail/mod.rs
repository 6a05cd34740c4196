//! The mail door: SMTP in, understanding, SMTP out.
