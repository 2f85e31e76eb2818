export default 'imported later';
