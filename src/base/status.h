// Errors of the library: absl::Status with canonical codes, chosen by what the caller should do
// about them.
//
//   kInvalidArgument    the request is wrong (CLI exit 2, HTTP 400)
//   kDataLoss           an input file is damaged, truncated, hostile or can't be read (exit 3)
//   kUnimplemented      a file or request asks for something Cria doesn't do; the message names it
//                       (exit 3)
//   kNotFound           no such file, model, tensor (exit 3 for models)
//   kResourceExhausted  out of memory, context, disk or queue room (exit 5, HTTP 429)
//   kUnavailable        the network or a remote failed; trying again may help (exit 4)
//   kCancelled          the caller stopped it (exit 130)
//   anything else       exit 1
//
// A message names the thing, what was expected, what came and what to do, in one line.
#ifndef CRIA_BASE_STATUS_H_
#define CRIA_BASE_STATUS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace cria::base {

// Puts `context` in front of the message of a failed status: "context: message". A name that the
// message begins with already isn't said twice: "file: x" under "a/file" becomes "a/file: x". OK
// stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view context);

}  // namespace cria::base

#define CRIA_RETURN_IF_ERROR(expression)         \
  do {                                           \
    absl::Status cria_status_ = (expression);    \
    if (!cria_status_.ok()) return cria_status_; \
  } while (false)

#define CRIA_CONCAT_INNER_(a, b) a##b
#define CRIA_CONCAT_(a, b) CRIA_CONCAT_INNER_(a, b)
#define CRIA_ASSIGN_OR_RETURN_IMPL_(temporary, target, expression) \
  auto temporary = (expression);                                   \
  if (!temporary.ok()) return std::move(temporary).status();       \
  target = std::move(temporary).value()

// CRIA_ASSIGN_OR_RETURN(auto file, MappedFile::Open(path));
#define CRIA_ASSIGN_OR_RETURN(target, expression) \
  CRIA_ASSIGN_OR_RETURN_IMPL_(CRIA_CONCAT_(cria_status_or_, __LINE__), target, expression)

#endif  // CRIA_BASE_STATUS_H_
