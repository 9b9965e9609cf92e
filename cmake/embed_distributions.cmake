# embed_distributions(FOLDER OUTPUT): a C++ file with build.yaml and run.yaml of each folder in FOLDER, made anew when one
# of them changes.
function(embed_distributions folder output)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*/build.yaml ${folder}/*/run.yaml)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(entries "")
  file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true ${folder}/*)
  list(SORT folders)
  foreach(one ${folders})
    if(NOT EXISTS ${one}/run.yaml)
      continue()
    endif()
    get_filename_component(name ${one} NAME)
    file(READ ${one}/build.yaml build)
    file(READ ${one}/run.yaml run)
    string(APPEND entries "    {\"${name}\", R\"yaml(${build})yaml\", R\"yaml(${run})yaml\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
"// Made by cmake/embed_distributions.cmake from distributions/.
#include \"stack/distributions.h\"

namespace cria::stack {
namespace {

constexpr EmbeddedDistribution kDistributions[] = {
@entries@};

}  // namespace

std::span<const EmbeddedDistribution> EmbeddedDistributions() { return kDistributions; }

}  // namespace cria::stack
")
endfunction()
