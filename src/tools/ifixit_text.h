#pragma once

#include <string>
#include <string_view>

// iFixit's two notations as plain text. Both are written by its users, so anything may come; what is not understood
// stays as it is. UTF-8 in, UTF-8 out, without control characters but line feeds.
namespace bobbin::tools {

// Wiki markup without its marks: ''italics'', '''bold''', ==headings==, [link|url|text], [product|code|text],
// [guide|id|text], [[page|text]], [image|…] (dropped).
[[nodiscard]] std::string strip_wiki_markup(std::string_view text);

// HTML without tags, character references decoded; contents of script and style dropped, block ends become line ends.
[[nodiscard]] std::string strip_html(std::string_view html);

}  // namespace bobbin::tools
