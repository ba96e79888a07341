#pragma once

#include <cstddef>
#include <cstdint>

// Every default limit of the server, with its reason. `bobbin serve` has an option for each that an operator
// may want to change; the rest are part of a format.
namespace bobbin::limits {

// Ids are stored behind one length byte; 128 holds every UUID, e-mail and path-like id seen in clients.
inline constexpr size_t kUserIdBytesMax = 128;
inline constexpr size_t kThreadIdBytesMax = 128;
static_assert(kUserIdBytesMax <= 255 && kThreadIdBytesMax <= 255, "str() has one length byte");

// HTTP. The header block counts everything up to the blank line; 16 KiB is twice what browsers send with large cookies.
inline constexpr size_t kRequestLineBytesMax = 8 * 1024;
inline constexpr size_t kHeaderBlockBytesMax = 16 * 1024;
inline constexpr size_t kBodyBytesMax = 1024 * 1024;
// A message of 256 KiB may be six times as long in JSON (\u0000 escapes); together with the rest it fits the body.
inline constexpr size_t kMessageBytesMax = 256 * 1024;

inline constexpr uint32_t kConnectionsPerWorkerMax = 10'000;
// A header that dribbles in for longer is an attack or a dead line.
inline constexpr uint32_t kHeaderTimeoutMs = 10'000;
// Body: progress is asked for, not a fixed end: at least one byte in this time.
inline constexpr uint32_t kBodyIdleTimeoutMs = 20'000;
// And from then on so much on average, or one byte now and then would hold a connection for months. The slowest
// modem is faster; a body of 1 MiB may take 17 minutes.
inline constexpr uint32_t kBodyBytesPerSecondMin = 1024;
// Longer than the 60 s of common proxies, so that they close first.
inline constexpr uint32_t kIdleTimeoutMs = 75'000;
// A reader that takes nothing for so long is gone.
inline constexpr uint32_t kWriteStallTimeoutMs = 60'000;
inline constexpr uint32_t kSseHeartbeatMs = 15'000;

// Bytes that wait for one reader. Past the soft mark a producer that can wait is asked to; past the hard mark
// the connection is closed, and the client resumes from the log.
inline constexpr size_t kEgressSoftBytes = 64 * 1024;
inline constexpr size_t kEgressHardBytes = 1024 * 1024;
// Bytes that wait for all readers of a worker together: four of the largest pages (kPageBytesMax). Past it large
// answers are refused with 503; without it, a few dozen readers that take nothing cost a gigabyte.
inline constexpr size_t kUnsentBytesPerWorkerMax = 64 * 1024 * 1024;
// Bodies that are on their way in, of all connections of a worker together: past it a large one is refused with 503.
// Without it ten thousand connections that are one byte short hold ten gigabytes.
inline constexpr size_t kIncomingBytesPerWorkerMax = 64 * 1024 * 1024;
// What one body may always have, so that others' slow uploads cost nobody a message.
inline constexpr size_t kIncomingBytesAlwaysAllowed = 16 * 1024;
// What one connection may always have waiting, so that others' slow readers cost nobody a small answer or a stream
// that is read.
inline constexpr size_t kUnsentBytesAlwaysAllowed = 64 * 1024;

// Models answer slowly when they load; 60 s to the first byte, then never 120 s of silence.
inline constexpr uint32_t kUpstreamConnectTimeoutMs = 10'000;
inline constexpr uint32_t kUpstreamFirstByteTimeoutMs = 60'000;
inline constexpr uint32_t kUpstreamIdleTimeoutMs = 120'000;
// An answer longer than this is cut (finish reason `length`): no model writes 4 MiB on purpose.
inline constexpr size_t kAnswerBytesMax = 4 * 1024 * 1024;

// How often a model may call tools before it must answer, and how much at once.
inline constexpr uint32_t kToolRoundsMax = 8;
inline constexpr size_t kToolCallsMax = 16;
// Submits that wait in one thread. Past it: 429 queue_full, nothing stored.
inline constexpr uint32_t kThreadQueueMax = 128;
// What a client may call a request (header Idempotency-Key).
inline constexpr size_t kIdempotencyKeyBytesMax = 128;
// Commands that wait for the store's writer. Past it: 503 overloaded.
inline constexpr size_t kWriterQueueMax = 16 * 1024;

// Entries of the change log that are kept for followers, whichever bound is met first. A week covers a replica's long
// weekend; a million entries are about 300 MB, and sixty turns an hour for a year.
inline constexpr uint64_t kChangesKeptMax = 1'000'000;
inline constexpr int64_t kChangesKeptUs = int64_t{7} * 24 * 3600 * 1'000'000;

// The run log (storage/FORMAT.md). A segment is the unit of removal: small enough that one long answer keeps little
// else on disk, large enough that a busy worker makes one a minute.
inline constexpr size_t kRunLogSegmentBytesMax = 8 * 1024 * 1024;
// So text is removed soon after its time also where a segment never fills.
inline constexpr int64_t kRunLogSegmentAgeUsMax = int64_t{10} * 60 * 1'000'000;
// How long an ended run can still be replayed to a client that comes back, and the most that is kept for that alone.
inline constexpr int64_t kRunLogKeepUs = int64_t{3600} * 1'000'000;
inline constexpr uint64_t kRunLogKeptBytesMax = uint64_t{256} * 1024 * 1024;
// From a write to its fsync. With the fsync itself within 50 ms; sooner would be in the way of commits, which wait for
// the same disk.
inline constexpr uint32_t kRunLogSyncDelayMs = 40;

// Events of a user's feed that are read at once: so many threads are looked up for them on one reader's thread, and so
// much (100 KB with long titles) is held while they are handed out.
inline constexpr uint32_t kFeedPageEvents = 128;

// Pages.
inline constexpr uint32_t kHistoryLimitMax = 1000;
inline constexpr uint32_t kSessionsLimitMax = 1000;
inline constexpr size_t kPageBytesMax = 16 * 1024 * 1024;

// Characters (grapheme clusters) kept for the sidebar.
inline constexpr size_t kTitleGraphemesMax = 50;
inline constexpr size_t kPreviewGraphemesMax = 60;
// A title from the model: how long it may take, and how many are waited for at once on a worker. Past it threads keep
// the title that they have; so does one whose model has said nothing by then.
inline constexpr uint32_t kTitleTimeoutMs = 30'000;
inline constexpr size_t kTitlesInMakingMax = 64;
// The same for what the model notes of a conversation's older part: thousands of tokens to read and hundreds to write.
inline constexpr uint32_t kMemoryTimeoutMs = 120'000;
inline constexpr size_t kMemoriesInMakingMax = 16;
// What of a conversation a title is made of: what it is about is said early, and a prompt of a kilobyte is read in
// seconds also by a machine without a GPU.
inline constexpr size_t kTitleQuestionBytesMax = 1024;
inline constexpr size_t kTitleAnswerBytesMax = 512;

// An HMAC key shorter than the hash adds nothing but doubt (RFC 7518 §3.2).
inline constexpr size_t kJwtSecretBytesMin = 32;
inline constexpr size_t kJwtBytesMax = 8 * 1024;

}  // namespace bobbin::limits
