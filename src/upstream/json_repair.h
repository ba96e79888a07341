#pragma once

#include <string>
#include <string_view>

// A strict JSON parser refuses a document for one ill-formed byte, but an answer that is broken in one character is
// worth reading. Servers make such documents when they cut their text into pieces without looking for characters.
namespace bobbin::upstream {

// `json` with each byte that is not part of a UTF-8 character as a mark, U+10FF80 to U+10FFFF, and each lone
// surrogate escape as `\ufffd`. The rest, and so every other fault, is unchanged.
[[nodiscard]] std::string mark_ill_formed(std::string_view json);

// `text` out of a document that mark_ill_formed() has made, with the marks turned back into their bytes. (The same
// private characters, had the server sent them in such a document, are lost: they mean nothing in plain text.)
[[nodiscard]] std::string unmark(std::string_view text);

}  // namespace bobbin::upstream
