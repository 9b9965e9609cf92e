// Content-Disposition of what is sent as a file (RFC 6266).
#ifndef CRIA_SERVER_ATTACHMENT_H_
#define CRIA_SERVER_ATTACHMENT_H_

#include <string>
#include <string_view>

namespace cria::server {

// attachment, under the last component of `filename`, which is in UTF-8: for old clients in plain
// characters, for others as it is.
std::string AttachmentDisposition(std::string_view filename);

}  // namespace cria::server

#endif  // CRIA_SERVER_ATTACHMENT_H_
