//! The keeper against a model of Hallpass's refresh rule, with time that only moves when nothing else can happen.

mod connects;
mod crash;
mod due;
mod events;
mod flaky;
mod late;
mod model;
mod observer;
mod real;
mod refreshes;
mod shared;
mod take_over;
mod terminal;
mod transfer;
mod unsaved;
mod world;
