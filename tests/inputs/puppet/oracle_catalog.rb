# Asks Puppet's own compiler. Reads a JSON list of manifests from standard input, and the folder of modules from the command line; prints a
# JSON list with, for each, null where Puppet refuses it, else [type, title, parameters] of each resource of a pacemaker type in the catalog.
require 'json'
require 'puppet'

MODULES = ARGV[0]
Puppet.initialize_settings(['--confdir', MODULES, '--vardir', MODULES])
Puppet::Util::Log.level = :crit

def compiled(text)
  Puppet[:code] = text
  environment = Puppet::Node::Environment.create(:production, [MODULES])
  node = Puppet::Node.new('ctl0', environment: environment, facts: Puppet::Node::Facts.new('ctl0', {}))
  Puppet.override({ current_environment: environment, loaders: Puppet::Pops::Loaders.new(environment) }, 'a manifest') do
    made = Puppet::Parser::Compiler.compile(node).resources.select { |one| one.type.start_with?('Pacemaker::') }
    made.map { |one| [one.type.downcase, one.title, one.to_hash.to_h { |name, value| [name.to_s, value.to_s] }] }
  end
rescue StandardError
  nil
end

puts JSON.generate(JSON.parse(STDIN.read).map { |text| compiled(text) })
