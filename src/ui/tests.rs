//! Screens as text: what a person sees, at the sizes that are promised.
