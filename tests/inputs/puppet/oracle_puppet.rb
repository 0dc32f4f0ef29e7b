# Asks Puppet's own parser. Reads a JSON list of manifests from standard input; prints a JSON list with, for each, `seen`: null where
# the grammar refuses it, false where Puppet cannot say (it stumbles over Ruby's own regular expressions), else [kind, start, end, name]
# of what stands in it, offsets in bytes; and `valid`: whether it passes validation too.
require 'json'
require 'puppet'
require 'puppet/pops'

M = Puppet::Pops::Model
KINDS = {
  M::ResourceExpression => 'Resource', M::ResourceBody => 'Body', M::AttributeOperation => 'Attribute',
  M::AttributesOperation => 'Attribute', M::ResourceDefaultsExpression => 'Changed', M::ResourceOverrideExpression => 'Changed',
  M::CollectExpression => 'Collector', M::AssignmentExpression => 'Assignment', M::VariableExpression => 'Variable',
  M::LiteralString => 'Quoted', M::HostClassDefinition => 'Definition', M::ResourceTypeDefinition => 'Definition', M::FunctionDefinition => 'Definition',
  M::CallNamedFunctionExpression => 'Call', M::CallMethodExpression => 'Call', M::IfExpression => 'Branches', M::UnlessExpression => 'Branches',
  M::CaseExpression => 'Branches', M::SelectorExpression => 'Selector', M::LiteralList => 'Listed', M::LiteralHash => 'Hashed'
}

def name_of(o)
  case o
  when M::AttributeOperation then o.attribute_name
  when M::AttributesOperation then '*'
  when M::VariableExpression then o.expr.is_a?(M::QualifiedName) ? o.expr.value : o.expr.value.to_s
  when M::LiteralString then o.value
  when M::HostClassDefinition, M::ResourceTypeDefinition, M::FunctionDefinition then o.name
  when M::CallNamedFunctionExpression then o.functor_expr.is_a?(M::QualifiedName) ? o.functor_expr.value : (o.functor_expr.respond_to?(:cased_value) ? o.functor_expr.cased_value : '')
  when M::CallMethodExpression then o.functor_expr.right_expr.respond_to?(:value) ? o.functor_expr.right_expr.value : ''
  else ''
  end
end

def seen(text)
  program = Puppet::Pops::Parser::Parser.new.parse_string(text).model
  found = []
  program._pcore_all_contents([]) do |o|
    kind = KINDS[o.class]
    found << [kind, o.offset, o.offset + o.length, name_of(o)] if kind
  end
  { seen: found, valid: valid?(text) }
rescue Puppet::ParseError, Puppet::ParseErrorWithIssue
  { seen: nil, valid: false }
rescue StandardError
  { seen: false, valid: false }
end

def valid?(text)
  Puppet::Pops::Parser::EvaluatingParser.new.parse_string(text, 'generated.pp')
  true
rescue StandardError
  false
end

Puppet::Util::Log.level = :crit
puts JSON.generate(JSON.parse(STDIN.read).map { |text| seen(text) })
