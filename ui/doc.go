// Package ui is the screens of the cloud-key client: a router with a stack of pages, the flow of the first use, one file per
// screen (named after it, with the screen's ID in its comment) and the words in two languages. It calls the use cases of
// package client through small interfaces and never opens a window itself: New is handed one, real or in memory.
//
// # Look
//
// Package style holds the numbers. Type: display 28, title 22, heading 18, body 16, small 14, caption 13 dp, in two weights.
// Space on a grid of 4 dp: 16 at the sides of a phone, 24 between groups, 12 inside them. Radii 12 and 16, sheets 20; nothing
// casts a shadow, a surface stands out by its ground alone. Whatever is touched is at least 48 dp high. Colours: a cool
// near-white (night blue) ground, white (slate) surfaces, one blue for what can be done, and green, amber and red only for
// states, always with an icon and a word. Icons are strokes of 1.75 on a grid of 24.
//
// A screen has one primary action, at the bottom edge on a phone and under the content from 720 dp on, where the content
// keeps to a readable column; the main screen becomes two columns. Loading shows in place, empty lists say what would be in
// them, errors stand at the field they belong to or in a sheet with the next action. Motion: only the spinner.
//
// # Threads
//
// Everything here belongs to the UI goroutine except the work functions handed to Run and Go. Results come back through
// Deps.Do.
package ui
