// The parts of config_reader.h that read the `server` block.
#ifndef CRIA_STACK_CONFIG_SERVER_READER_H_
#define CRIA_STACK_CONFIG_SERVER_READER_H_

#include "stack/config_fields.h"

namespace cria::stack {

// The `server` block of `top`, behind providers and storage.
void ReadServer(Fields& top, StackConfig* config, ReadContext& context);

// {backend, namespace} or, for `sql`, {backend, table_name}; the backend must be in `config`.
StoreReference ReadStoreReference(const YamlNode& node, const std::string& path, bool sql,
                                  const StackConfig& config, ReadContext& context);

}  // namespace cria::stack

#endif  // CRIA_STACK_CONFIG_SERVER_READER_H_
